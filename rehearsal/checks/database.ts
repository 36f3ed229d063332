import type { V1Job, V1PersistentVolumeClaim, V1Pod } from "@kubernetes/client-node";
import { inWords } from "../../rollback/decide.ts";
import type { SchemaRange } from "../../rollback/record.ts";
import type { CheckResult } from "../report/evidence.ts";
import { check } from "./check.ts";
import { list } from "./objects.ts";
import { labelsOf } from "./subject.ts";
import { wasRestarted } from "./application.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

/** Postgres, the backup server, the exporter and the agent. */
const containersOfMember = 4;

/** Every member of the region's database. */
export function members({ cluster }: RegionUnderTest, namespace: string): Promise<V1Pod[]> {
  return list<V1Pod>(cluster, "pods", { namespace, labels: labelsOf("database") });
}

/** One value from the region's leader, asked over the socket inside its own pod. */
export async function query(
  region: RegionUnderTest,
  { namespace, postgres }: Subject,
  sql: string,
): Promise<string> {
  const pods = await members(region, namespace);
  const leader = pods.find(({ metadata }) => metadata?.labels?.["postgres-role"] === "leader");
  if (leader?.metadata?.name === undefined) throw new Error(`no member leads ${region.name}`);
  const where = { namespace, pod: leader.metadata.name, container: "postgres" };
  const psql = ["psql", "--no-psqlrc", "--username=postgres", `--dbname=${postgres.database}`];
  const answer = await region.cluster.exec(where, [
    ...psql,
    "--tuples-only",
    "--no-align",
    `--command=${sql}`,
  ]);
  return answer.trim();
}

/** Every member runs all of its containers, ready and not restarted. */
export function membersReady(
  region: RegionUnderTest,
  { namespace, postgres, since }: Subject,
): Promise<CheckResult> {
  return check({ name: "Postgres members ready", region: region.name }, async () => {
    const pods = await members(region, namespace);
    const whole = pods.filter(({ status }) => {
      const ready = (status?.containerStatuses ?? []).filter((it) => it.ready);
      return status?.phase === "Running" && ready.length === containersOfMember;
    });
    const restarted = pods
      .flatMap(({ status }) => status?.containerStatuses ?? [])
      .filter((it) => wasRestarted(it, since)).length;
    return {
      ok: pods.length === postgres.replicas && whole.length === pods.length && restarted === 0,
      expected: `${postgres.replicas} members with ${containersOfMember}/${containersOfMember} ready, 0 restarted`,
      measured: `${whole.length} of ${pods.length} members ready, ${restarted} restarted`,
      detail: pods.map(({ metadata }) => metadata?.name).join(", "),
    };
  });
}

/** Every member has its volume. */
export function volumesBound(
  { name, cluster }: RegionUnderTest,
  { namespace, postgres }: Subject,
): Promise<CheckResult> {
  return check({ name: "Postgres volumes bound", region: name }, async () => {
    const claims = await list<V1PersistentVolumeClaim>(cluster, "persistentvolumeclaims", {
      namespace,
    });
    const ours = claims.filter((it) => it.metadata?.name?.startsWith("data-postgres-"));
    const bound = ours.filter((it) => it.status?.phase === "Bound");
    return {
      ok: bound.length >= postgres.replicas && bound.length === ours.length,
      expected: `a Bound claim for each of ${postgres.replicas} members`,
      measured: `${bound.length} of ${ours.length} claims Bound`,
      detail: ours
        .map((it) => `${it.metadata?.name ?? ""} ${it.status?.phase ?? "unknown"}`)
        .join(", "),
    };
  });
}

/**
 * The migration of this release ran to its end on the generation that serves, in the region that writes. Jobs of other
 * releases stay for a while, failed ones too: they are not asked.
 */
export function migrationComplete(
  { name, cluster }: RegionUnderTest,
  { namespace, release, postgres }: Subject,
): Promise<CheckResult> {
  return check({ name: "Migration job complete", region: name }, async () => {
    const jobs = await list<V1Job>(cluster, "jobs", { namespace, labels: labelsOf("migration") });
    const { images, version } = release;
    const ours = jobs.filter(
      ({ spec }) =>
        spec?.template.metadata?.annotations?.["lifeline/generation"] ===
          String(postgres.generation) &&
        spec.template.spec?.containers.some(({ image }) => image === images.migrations),
    );
    const outcomes = ours.map((job) => `${job.metadata?.name ?? ""} ${outcomeOf(job)}`);
    return {
      ok: ours.some((job) => outcomeOf(job) === "Complete"),
      expected: `a Complete job with the migrations of ${version} for generation ${String(postgres.generation)}`,
      measured: outcomes.join(", ") || `none among ${String(jobs.length)} jobs`,
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
  const detail = "SELECT coalesce(max(version), 0) FROM schema_migrations";
  const { schema } = subject.release;
  return check({ name: "Schema at the release's version", region: region.name }, async () => {
    const measured = await query(region, subject, detail);
    const ok = measured !== "" && isIn(schema, Number(measured));
    return { ok, expected: inWords(schema), measured: measured || "nothing", detail };
  });
}

export const isIn = ({ lowest, highest }: SchemaRange, version: number): boolean =>
  lowest <= version && version <= highest;

export function answers(
  region: RegionUnderTest,
  subject: Subject,
  name: string,
  sql: string,
  expected: string,
): Promise<CheckResult> {
  return check({ name, region: region.name }, async () => {
    const measured = await query(region, subject, sql);
    return { ok: measured === expected, expected, measured: measured || "nothing", detail: sql };
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
