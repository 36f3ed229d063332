import type { V1Job, V1PersistentVolumeClaim, V1Pod } from "@kubernetes/client-node";
import type { CheckResult } from "../report/evidence.ts";
import { check } from "./check.ts";
import { get, list } from "./objects.ts";
import { labelsOf } from "./subject.ts";
import { wasRestarted } from "./application.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

const member = "postgres-0";

/** One value from Postgres, asked over the socket inside its own pod. */
export async function query(
  { cluster }: RegionUnderTest,
  { namespace, postgres }: Subject,
  sql: string,
): Promise<string> {
  const where = { namespace, pod: member, container: "postgres" };
  const psql = ["psql", "--no-psqlrc", "--username=postgres", `--dbname=${postgres.database}`];
  const answer = await cluster.exec(where, [
    ...psql,
    "--tuples-only",
    "--no-align",
    `--command=${sql}`,
  ]);
  return answer.trim();
}

/** Database and exporter run and are ready: the runbook's 2/2. */
export function postgresReady(
  { name, cluster }: RegionUnderTest,
  { namespace, since }: Subject,
): Promise<CheckResult> {
  return check({ name: "Postgres pod ready", region: name }, async () => {
    const { status } = await get<V1Pod>(cluster, "pods", member, namespace);
    const containers = status?.containerStatuses ?? [];
    const ready = containers.filter((it) => it.ready);
    const restarted = containers.filter((it) => wasRestarted(it, since)).length;
    return {
      ok:
        status?.phase === "Running" &&
        ready.length === 2 &&
        containers.length === 2 &&
        restarted === 0,
      expected: "Running, 2/2 ready, 0 restarted",
      measured: `${status?.phase ?? "no phase"}, ${ready.length}/${containers.length} ready, ${restarted} restarted`,
      detail: ready.map((it) => it.name).join(", "),
    };
  });
}

/** Every volume of the database is there. */
export function volumeBound(
  { name, cluster }: RegionUnderTest,
  { namespace }: Subject,
): Promise<CheckResult> {
  return check({ name: "Postgres volume bound", region: name }, async () => {
    const claims = await list<V1PersistentVolumeClaim>(cluster, "persistentvolumeclaims", {
      namespace,
    });
    const ours = claims.filter((it) => it.metadata?.name?.endsWith(`-${member}`));
    return {
      ok: ours.length > 0 && ours.every((it) => it.status?.phase === "Bound"),
      expected: `every claim of ${member} Bound`,
      measured:
        ours
          .map((it) => `${it.metadata?.name ?? ""} ${it.status?.phase ?? "unknown"}`)
          .join(", ") || "no claim",
    };
  });
}

/** The migration of this release ran to its end. */
export function migrationComplete(
  { name, cluster }: RegionUnderTest,
  { namespace }: Subject,
): Promise<CheckResult> {
  return check({ name: "Migration job complete", region: name }, async () => {
    const jobs = await list<V1Job>(cluster, "jobs", { namespace, labels: labelsOf("migration") });
    const outcomes = jobs.map((job) => `${job.metadata?.name ?? ""} ${outcomeOf(job)}`);
    return {
      ok: jobs.length > 0 && jobs.every((job) => outcomeOf(job) === "Complete"),
      expected: "every migration job Complete",
      measured: outcomes.join(", ") || "no job",
    };
  });
}

function outcomeOf({ status }: V1Job): string {
  const ended = status?.conditions?.find(
    (it) => it.status === "True" && ["Complete", "Failed"].includes(it.type),
  );
  return ended?.type ?? "unfinished";
}

export function dataChecksums(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  return answers(region, subject, "Data checksums on", "SHOW data_checksums", "on");
}

export function schemaVersion(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const sql = "SELECT coalesce(max(version), 0) FROM schema_migrations";
  const expected = String(subject.release.schemaTarget);
  return answers(region, subject, "Schema at the release's version", sql, expected);
}

function answers(
  region: RegionUnderTest,
  subject: Subject,
  name: string,
  sql: string,
  expected: string,
): Promise<CheckResult> {
  return check({ name, region: region.name }, async () => {
    const measured = await query(region, subject, sql);
    return { ok: measured === expected, expected, measured, detail: sql };
  });
}

/** The runbook's connection test. */
export function databaseAnswers(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  return check({ name: "Postgres answers a query", region: region.name }, async () => {
    const version = await query(region, subject, "SELECT version()");
    return {
      ok: version.startsWith("PostgreSQL "),
      expected: "PostgreSQL and its version",
      measured: version.split(" on ")[0] ?? "",
    };
  });
}
