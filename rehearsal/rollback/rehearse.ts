import { planRelease } from "../../rollback/release/plan.ts";
import { readRehearsal } from "../../rollback/release/stack-state.ts";
import { openCertificateAuthority } from "../certificate-authority.ts";
import { generatedSecrets } from "../generated-secrets.ts";
import { openProgram } from "../go-live.ts";
import { engineFolder } from "../paths.ts";
import { type Ground, prepareGround } from "../ground.ts";
import { Problem } from "../problem.ts";
import { runTasks } from "../progress.ts";
import { registryCredentials } from "../rehearsal-secrets.ts";
import { withRehearsalLock } from "../rehearsal-lock.ts";
import { type Measurement, type Scenario, judgeObjectives } from "../report/objectives.ts";
import { writeRollbackReport } from "../report/write.ts";
import {
  type ChangeEvidence,
  type RollbackEvidence,
  assembleRollbackEvidence,
} from "../report/rollback-evidence.ts";
import { summarizeRollback } from "../report/rollback-summary.ts";
import { clusterOf, outcome, regionsUnderTest } from "../verify.ts";
import { type Stage, makeChange } from "./change.ts";
import { Rows } from "./rows.ts";
import { type Change, firstRelease, story } from "./story.ts";

export interface RehearseRollbackOptions {
  readonly reportFolder: string;
  /** Print the evidence to stdout. */
  readonly json: boolean;
}

/**
 * Rehearses the ways back on both regions, under traffic: forward through every release of the sample application and back
 * from each, measured against the objectives; and writes the report, whatever came of it.
 * @throws Problem when a promise was not kept, or another rehearsal is running
 */
export async function rehearseRollback(options: RehearseRollbackOptions): Promise<void> {
  await withRehearsalLock("npm run rehearse:rollback", async (signal) => {
    const startedAt = new Date().toISOString();
    const changes: ChangeEvidence[] = [];
    const refusals: RollbackEvidence["refusals"] = [];
    let interruption: string | null = null;
    let secrets: string[] = [];
    let product = { product: "unknown", host: "unknown" };
    try {
      const ground = await prepareGround(signal);
      await withAuthority(ground, async (authority) => {
        ({ secrets, ...product } = await goLive(ground, signal));
        const place = { ground, signal, authority, folder: options.reportFolder };
        await tellStory(place, changes, refusals);
      });
    } catch (error) {
      interruption = error instanceof Error ? error.message : String(error);
    }
    const evidence = assembleRollbackEvidence({
      interruption,
      run: { startedAt, finishedAt: new Date().toISOString(), ...product },
      changes,
      refusals,
      objectives: judgeObjectives(longest(changes)),
    });
    const files = writeRollbackReport(evidence, options.reportFolder, secrets);
    process.stdout.write(
      options.json ? `${JSON.stringify(evidence)}\n` : `\n${summarizeRollback(evidence, files)}`,
    );
    if (evidence.verdict === "failed")
      throw new Problem(interruption ?? "A promise was not kept; the report says which.");
  });
}

/** Brings the first release out where nothing runs; what was rehearsed already cannot be told from where it is. */
async function goLive(ground: Ground, signal: AbortSignal) {
  const program = await openProgram({ ground, signal, folder: engineFolder });
  try {
    await runTasks([
      {
        title: `live with ${firstRelease}`,
        run: async (reporter) => {
          const { seconds } = await program.engine.up(reporter.status);
          return `in ${seconds.toFixed(0)} s`;
        },
      },
    ]);
    const { product, host, namespace } = program.config;
    const regions = await regionsUnderTest(ground, program.config);
    const generated = await generatedSecrets(regions, namespace);
    return { product, host, secrets: [registryCredentials().canary, ...generated] };
  } finally {
    await program.close();
  }
}

/** Certificates are issued while `work` goes on. */
async function withAuthority(
  ground: Ground,
  work: (certificate: string) => Promise<void>,
): Promise<void> {
  const clusters = ground.places.map((place) => clusterOf(ground, place.context));
  const authority = await openCertificateAuthority(engineFolder, clusters, (trouble) => {
    process.stderr.write(`certificates: ${trouble}\n`);
  });
  authority.start();
  try {
    await work(authority.certificate);
  } finally {
    await authority.stop();
  }
}

async function tellStory(
  place: Omit<Stage, "rows" | "status">,
  changes: ChangeEvidence[],
  refusals: RollbackEvidence["refusals"],
): Promise<void> {
  const rows = new Rows();
  const generations: object[] = [{ storage: "2Gi" }];
  await runTasks(
    story.map((change) => ({
      title: titleOf(change),
      run: async ({ status }) => {
        if (change.restoreTo !== undefined) {
          refusals.push(await refusalOf(change.release, "while the data stays"));
          generations.push({ storage: "2Gi", from: { point: change.restoreTo } });
        }
        const measured = await makeChange({ ...place, rows, status }, change, generations);
        changes.push(measured);
        if (change.back) {
          refusals.push(await refusalOf(measured.from, "again, without a reason"));
        }
        return inWords(measured);
      },
    })),
  );
}

/** What somebody is told who asks for what cannot be. @throws Error when nobody refuses it */
async function refusalOf(version: string, how: string) {
  const tried = `${version} ${how}`;
  const rehearsal = readRehearsal(engineFolder);
  try {
    await planRelease({ folder: engineFolder, version, stack: rehearsal.stack, rehearsal });
  } catch (error) {
    if (error instanceof Problem) return { tried, said: error.message };
    throw error;
  }
  throw new Error(`${tried} is not refused`);
}

const titleOf = ({ release, back }: Change): string => `${back ? "back" : "on"} to ${release}`;

function inWords({ level, seconds, promisedSeconds, traffic, checks }: ChangeEvidence): string {
  const promise = promisedSeconds === null ? "" : ` of ${String(promisedSeconds / 60)} min`;
  const judged = checks.length === 0 ? "" : `, ${outcome(checks)}`;
  return `${level}, ${seconds.toFixed(0)} s${promise}, ${String(traffic.failed)} requests failed${judged}`;
}

/** The slowest way back of each kind is what is judged. */
function longest(changes: readonly ChangeEvidence[]) {
  const scenarios: Readonly<Record<string, Scenario>> = {
    app: "appRollback",
    config: "configRollback",
    full: "fullRollback",
  };
  const measured: Partial<Record<Scenario, Measurement>> = {};
  for (const { back, level, seconds, rows } of changes) {
    const scenario = back ? scenarios[level] : undefined;
    if (scenario === undefined) continue;
    const { recoverySeconds = 0, lossSeconds = 0 } = measured[scenario] ?? {};
    measured[scenario] = {
      recoverySeconds: Math.max(recoverySeconds, seconds),
      // Of what was written before the restore point.
      lossSeconds: Math.max(lossSeconds, rows.missing === 0 ? 0 : Infinity),
    };
  }
  return measured;
}
