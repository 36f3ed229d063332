import { join } from "node:path";
import { openCertificateAuthority } from "./certificate-authority.ts";
import type { RegionUnderTest } from "./checks/subject.ts";
import type { V1Secret } from "@kubernetes/client-node";
import { get } from "./checks/objects.ts";
import { type UpdateResult, UpdateError } from "./engine.ts";
import { useClusters } from "./existing-clusters.ts";
import { engineFolder, type OpenedProgram, openProgram } from "./go-live.ts";
import { type Ground, prepareGround } from "./ground.ts";
import { subjectOf } from "./local-config.ts";
import { phasesOfUpdate } from "./phases-of-update.ts";
import { Problem } from "./problem.ts";
import { runTasks } from "./progress.ts";
import { summarize } from "./report/summary.ts";
import { writeReport } from "./report/write.ts";
import { registryCredentials } from "./rehearsal-secrets.ts";
import { withRehearsalLock } from "./rehearsal-lock.ts";
import { RehearsalRecord } from "./record.ts";
import { clusterOf, outcome, regionsUnderTest, signOff, verify } from "./verify.ts";

export interface StartOptions {
  /** Two clusters to use instead of booting regions. */
  readonly contexts?: readonly [string, string];
  /** Settings in place of the stack file's, as values of YAML. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly reportFolder: string;
  /** Print the evidence to stdout. */
  readonly json: boolean;
}

/**
 * Rehearses the go-live: prepares the ground, takes the release live, checks each phase of the runbook, and writes the
 * report, whatever came of it.
 * @throws Problem when the rehearsal failed or another one is running
 */
export async function start(options: StartOptions): Promise<void> {
  await withRehearsalLock("npm start", async (signal) => {
    const record = new RehearsalRecord();
    try {
      await rehearse(options, record, signal);
    } catch (error) {
      record.interruption = error instanceof Error ? error.message : String(error);
      // Without a configuration nothing was rehearsed: there is nothing to report.
      if (record.config === undefined) throw error;
    }
    const evidence = await record.evidence();
    const files = writeReport(evidence, options.reportFolder, record.secrets);
    process.stdout.write(
      options.json ? `${JSON.stringify(evidence)}\n` : `\n${summarize(evidence, files)}`,
    );
    if (record.interruption !== null) throw new Problem(record.interruption);
    if (evidence.verdict === "failed")
      throw new Problem("The rehearsal failed; the report says where.");
  });
}

async function rehearse(
  options: StartOptions,
  record: RehearsalRecord,
  signal: AbortSignal,
): Promise<void> {
  const ground = await (options.contexts === undefined
    ? prepareGround(signal)
    : useClusters(options.contexts, signal));
  record.ground = ground;
  const clusters = ground.places.map((place) => clusterOf(ground, place.context));
  const authority = await openCertificateAuthority(engineFolder, clusters, (trouble) => {
    process.stderr.write(`certificates: ${trouble}\n`);
  });
  const program = await openProgram({
    ground,
    signal,
    folder: engineFolder,
    settings: options.settings,
  });
  try {
    record.config = program.config;
    authority.start();
    const since = new Date();
    const update = await goLive(program, record);
    const subject = subjectOf(program.config, authority.certificate, since);
    const regions = await regionsUnderTest(ground, program.config);
    record.regions = regions;
    record.phases = await verify(regions, subject, phasesOfUpdate(update.steps));
    await closeOut(program, ground, regions, record);
  } finally {
    await program.close();
    await authority.stop();
  }
}

/** The first run of the program: everything is declared, and every gate in it has passed, or it stops there. */
async function goLive(
  { engine, config }: OpenedProgram,
  record: RehearsalRecord,
): Promise<UpdateResult> {
  let update: UpdateResult | undefined;
  await runTasks([
    {
      title: "preview, judged by the policy pack",
      run: async (reporter) => {
        await engine.preview(reporter.status);
        return "no violation";
      },
    },
    {
      title: `go live with ${config.release.version}`,
      run: async (reporter) => {
        try {
          update = await engine.up(reporter.status);
        } catch (error) {
          if (error instanceof UpdateError) record.stoppedAt(phasesOfUpdate(error.steps));
          throw error;
        }
        record.addRun("go live", update);
        return changesInWords(update.changes);
      },
    },
  ]);
  return update!;
}

/** Sign-off: a second run and a look for drift find nothing to do, and no secret is in what was written. */
async function closeOut(
  { engine, config }: OpenedProgram,
  ground: Ground,
  regions: readonly RegionUnderTest[],
  record: RehearsalRecord,
): Promise<void> {
  await runTasks([
    {
      title: "T+120 second run, drift, secrets",
      run: async (reporter) => {
        const second = record.addRun("second run", await engine.up(reporter.status));
        reporter.status("reading everything back from the clusters");
        const drift = record.addRun("drift preview", await engine.drift());
        const secrets = [
          registryCredentials().canary,
          ...(await generatedSecrets(regions, config.namespace)),
        ];
        record.secrets = secrets;
        const folders = ["project", "state", "releases"].map((folder) =>
          join(engineFolder, folder),
        );
        const findings = await signOff(second, drift, [...folders, ...ground.logFolders], secrets);
        record.phases["sign-off"] = findings;
        return outcome(findings.checks);
      },
    },
  ]);
}

/** The generated secrets as the clusters hold them: what the search for leaks looks for. */
async function generatedSecrets(
  regions: readonly RegionUnderTest[],
  namespace: string,
): Promise<string[]> {
  const secrets = await Promise.all(
    regions.flatMap(({ cluster }) =>
      ["postgres-secret", "app-secret"].map((name) =>
        get<V1Secret>(cluster, "secrets", name, namespace),
      ),
    ),
  );
  const values = secrets.flatMap(({ data }) => Object.values(data ?? {}));
  return [...new Set(values)].map((value) => Buffer.from(value, "base64").toString());
}

/** Operations and their numbers, such as "104 create". */
function changesInWords(changes: Readonly<Record<string, number>>): string {
  return Object.entries(changes)
    .map(([operation, count]) => `${String(count)} ${operation}`)
    .join(", ");
}
