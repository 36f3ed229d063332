import { join } from "node:path";
import { objectives } from "../../components/lib/objectives.ts";
import type { Config } from "../../config/schema.ts";
import { readRecord, type Deployment } from "../../rollback/record.ts";
import { check } from "../checks/check.ts";
import { query } from "../checks/database.ts";
import { runPhase } from "../checks/go-live.ts";
import type { RegionUnderTest, Subject } from "../checks/subject.ts";
import type { Engine, UpdateResult } from "../engine.ts";
import { openProgram } from "../go-live.ts";
import { engineFolder } from "../paths.ts";
import type { Ground } from "../ground.ts";
import { longestGapSeconds } from "../ledger.ts";
import { subjectOf } from "../local-config.ts";
import type { CheckResult } from "../report/evidence.ts";
import type { ChangeEvidence } from "../report/rollback-evidence.ts";
import { regionsUnderTest } from "../verify.ts";
import { keepEvidence } from "./kept.ts";
import { membersOf, restarted } from "./members.ts";
import { notification } from "./notification.ts";
import { partsOf } from "./phases.ts";
import type { Rows } from "./rows.ts";
import { type Change, settingsOf } from "./story.ts";

/** What every change of a rehearsal stands on. */
export interface Stage {
  readonly ground: Ground;
  readonly signal: AbortSignal;
  /** Certificate, PEM, of the authority that clients trust. */
  readonly authority: string;
  /** Folder of the report, which receives what is kept. */
  readonly folder: string;
  readonly rows: Rows;
  readonly status: (text: string) => void;
}

/** The runbook's checks after a rollback, by the phase of the go-live that has them. */
const validation = ["application", "database", "gateway", "integration", "monitoring"] as const;

/** Makes one change under traffic and measures it: on the way, and what runs after it. */
export async function makeChange(
  stage: Stage,
  change: Change,
  generations: readonly unknown[],
): Promise<ChangeEvidence> {
  const { ground, signal, rows, authority } = stage;
  const program = await openProgram({
    ...{ ground, signal, folder: engineFolder },
    settings: settingsOf(change, generations),
  });
  try {
    const { engine, config } = program;
    const regions = await regionsUnderTest(ground, config);
    const active = regions.find(({ role }) => role === "primary")!;
    const began = new Date();
    const asked = subjectOf(config, authority, began);
    const point = await momentOf(active, asked, change);
    const before = await membersOf(regions, config.namespace);
    const kept = change.back ? await keep(stage, regions, config, change) : [];

    let startedAt = 0;
    let update: UpdateResult | undefined;
    const ledger = await rows.during(active, asked, async () => {
      startedAt = Date.now();
      update = await engine.up(stage.status);
    });
    const deployment = deploymentIn(update!);
    const traffic = {
      acknowledged: ledger.acknowledged.length,
      failed: ledger.failures,
      gapSeconds: longestGapSeconds(ledger),
    };
    const facts = {
      ...{ from: deployment.from ?? "", to: change.release, reason: change.reason },
      ...{ level: deployment.type, seconds: update!.seconds, traffic },
      rows: await rows.compare(active, asked, point),
    };
    const gone = restarted(before, await membersOf(regions, config.namespace));
    // What goes forward promises nothing here: its gates have let it pass, or not.
    const checks = change.back
      ? [
          ...(await validate(regions, runningAs(asked, deployment))),
          ...(await wentBack(stage, engine, facts, gone, ledger.complaints)),
        ]
      : [];
    const { product, host } = config;
    return {
      ...facts,
      back: change.back,
      promisedSeconds: promised(deployment),
      parts: partsOf(update!.steps, startedAt),
      checks,
      kept: [...kept],
      notification: change.back
        ? notification({ ...facts, isKept: true, checks, product, host, at: new Date() })
        : null,
    };
  } finally {
    await program.close();
  }
}

/** When the restore point was made that this change goes back to. */
async function momentOf(region: RegionUnderTest, subject: Subject, { restoreTo }: Change) {
  if (restoreTo === undefined) return undefined;
  const sql = `SELECT created_at FROM lifeline.restore_points WHERE name = '${restoreTo}'`;
  return new Date(await query(region, subject, sql));
}

async function keep(
  { folder }: Stage,
  regions: readonly RegionUnderTest[],
  { namespace }: Config,
  { release }: Change,
): Promise<readonly string[]> {
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const to = join(folder, "kept", `${at}-to-${release}`);
  const { files, missing } = await keepEvidence(regions, namespace, to);
  if (missing.length > 0) throw new Error(`not kept: ${missing.join("; ")}`);
  return files;
}

function deploymentIn({ outputs }: UpdateResult): Deployment {
  const last = readRecord(String(outputs["record"]?.value)).deployments.at(-1);
  if (last === undefined) throw new Error("the run recorded no deployment");
  return last;
}

/** A release may run on a schema that a later one left. */
function runningAs(subject: Subject, { schema }: Deployment): Subject {
  return { ...subject, release: { ...subject.release, schema: schema.after } };
}

function promised({ type }: Deployment): number | null {
  if (type === "app") return objectives.appRollback.recoverySeconds;
  if (type === "config") return objectives.configRollback.recoverySeconds;
  return type === "full" ? objectives.fullRollback.recoverySeconds : null;
}

async function validate(
  regions: readonly RegionUnderTest[],
  subject: Subject,
): Promise<CheckResult[]> {
  const found: CheckResult[] = [];
  for (const id of validation) found.push(...(await runPhase(id, regions, subject)).checks);
  return found;
}

/** What a way back promises beyond a release that works. */
function wentBack(
  stage: Stage,
  engine: Engine,
  { level, traffic, rows }: Pick<ChangeEvidence, "level" | "traffic" | "rows">,
  gone: readonly string[],
  complaints: readonly string[],
): Promise<CheckResult[]> {
  const keepsData = level !== "full";
  return Promise.all([
    check({ name: "No row from before is lost" }, () => ({
      ok: rows.compared > 0 && rows.missing === 0,
      expected: "0 missing",
      measured: `${String(rows.missing)} missing of ${String(rows.compared)}`,
      detail: keepsData ? "" : `${String(rows.lostSincePoint)} written after the restore point`,
    })),
    check({ name: "Requests failed meanwhile" }, () => ({
      ok: !keepsData || traffic.failed === 0,
      expected: keepsData ? "0" : "writers are stopped while the data is restored",
      measured: `${String(traffic.failed)} of ${String(traffic.failed + traffic.acknowledged)}`,
      detail: complaints.join("; "),
    })),
    check({ name: "Postgres was left alone" }, () =>
      keepsData
        ? {
            ok: gone.length === 0,
            expected: "no member restarted",
            measured: `${String(gone.length)} restarted`,
            detail: gone.join(", "),
          }
        : { skipped: "The data went back as well: other members serve." },
    ),
    check({ name: "What is declared is what runs", withinSeconds: 300 }, async () => {
      stage.status("reading everything back from the clusters");
      const { changes } = await engine.drift();
      const { same = 0, ...others } = changes;
      const said = Object.entries(others).map(([what, count]) => `${String(count)} ${what}`);
      return {
        ok: said.length === 0 && same > 0,
        expected: "the following preview is empty",
        measured: said.join(", ") || `${String(same)} unchanged`,
      };
    }),
  ]);
}
