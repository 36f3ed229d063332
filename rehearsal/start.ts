import { join } from "node:path";
import { openCertificateAuthority } from "./certificate-authority.ts";
import type { Config } from "../config/schema.ts";
import type { Cluster } from "./checks/cluster.ts";
import type { RegionUnderTest, Subject } from "./checks/subject.ts";
import { drillCheck, proveRegions } from "./drill.ts";
import { type UpdateResult, UpdateError } from "./engine.ts";
import { type ExistingClusters, useClusters } from "./existing-clusters.ts";
import { generatedSecrets, givenSecrets } from "./generated-secrets.ts";
import { type OpenedProgram, openProgram } from "./go-live.ts";
import { type Ground, prepareGround } from "./ground.ts";
import { asRehearsalCommands } from "./hints.ts";
import { subjectOf } from "./local-config.ts";
import { phasesOfUpdate } from "./phases-of-update.ts";
import { Problem, exitCode } from "./problem.ts";
import { runTasks } from "./progress.ts";
import { summarize } from "./report/summary.ts";
import { writeReport } from "./report/write.ts";
import { registryCredentials } from "./rehearsal-secrets.ts";
import { withRehearsalLock } from "./rehearsal-lock.ts";
import { RehearsalRecord } from "./record.ts";
import { clusterOf, outcome, regionsUnderTest, signOff, verify } from "./verify.ts";

export interface StartOptions {
  /** Used instead of booting regions. */
  readonly clusters?: ExistingClusters;
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
    let code: number = exitCode.failed;
    try {
      await rehearse(options, record, signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof Problem) code = error.code;
      record.interruption = asRehearsalCommands(reason, options.settings);
      // Without a configuration nothing was rehearsed: there is nothing to report.
      if (record.config === undefined) throw error;
    }
    const evidence = await record.evidence();
    const files = writeReport(evidence, options.reportFolder, record.secrets);
    process.stdout.write(
      options.json ? `${JSON.stringify(evidence)}\n` : `\n${summarize(evidence, files)}`,
    );
    if (record.interruption !== null) throw new Problem(record.interruption, code);
    if (evidence.verdict === "failed")
      throw new Problem("The rehearsal failed; the report says where.");
  });
}

async function rehearse(
  options: StartOptions,
  record: RehearsalRecord,
  signal: AbortSignal,
): Promise<void> {
  const ground = await (options.clusters === undefined
    ? prepareGround(signal)
    : useClusters(options.clusters, signal));
  record.ground = ground;
  record.keepOut(
    givenSecrets(registryCredentials(ground.stackFolder).canary, ground.archive?.accounts ?? {}),
  );
  const clusters = ground.places.map((place) => clusterOf(ground, place.context));
  const authority = await openCertificateAuthority(ground.stackFolder, clusters, (trouble) => {
    process.stderr.write(`certificates: ${trouble}\n`);
  });
  const program = await openProgram({
    ground,
    signal,
    folder: ground.stackFolder,
    settings: options.settings,
  });
  try {
    record.config = program.config;
    authority.start();
    const since = new Date();
    let update: UpdateResult;
    try {
      update = await goLive(program, record);
    } finally {
      // What a failed update has made must not be in its report either.
      for (const cluster of clusters) await keepOutGenerated(cluster, program.config, record);
    }
    const subject = subjectOf(program.config, authority.certificate, since);
    const regions = await regionsUnderTest(ground, program.config);
    record.regions = regions;
    await verify(regions, subject, phasesOfUpdate(update.steps), record.phases, signal);
    await proveData(regions, subject, record, signal);
    await closeOut(program, ground, regions, record);
  } finally {
    await program.close();
    await authority.stop();
  }
}

/** A cluster that does not answer any more has nothing that the others do not have, but for its certificates' keys. */
async function keepOutGenerated(
  cluster: Cluster,
  { namespace }: Config,
  record: RehearsalRecord,
): Promise<void> {
  try {
    record.keepOut(await generatedSecrets([{ cluster }], namespace));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `report: cannot be searched for the secrets in ${cluster.context}: ${reason}\n`,
    );
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

/** The last of T-20: by now the archive has something to bring back. */
async function proveData(
  regions: readonly RegionUnderTest[],
  { namespace }: Subject,
  record: RehearsalRecord,
  signal: AbortSignal,
): Promise<void> {
  const drilled = await proveRegions("T-20 restore proof", regions, namespace, signal);
  record.proofs = drilled.flatMap(({ proof }) => proof ?? []);
  const { checks = [], seconds = 0 } = record.phases.data ?? {};
  record.phases.data = {
    checks: [...checks, ...drilled.map(drillCheck)],
    seconds: seconds + Math.max(...drilled.map((it) => it.seconds)),
  };
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
        record.keepOut(await generatedSecrets(regions, config.namespace));
        const folders = ["project", "state", "releases"].map((folder) =>
          join(ground.stackFolder, folder),
        );
        const searched = [...folders, ...ground.logFolders];
        const findings = await signOff(second, drift, searched, record.secrets);
        record.phases["sign-off"] = findings;
        return outcome(findings.checks);
      },
    },
  ]);
}

/** Operations and their numbers, such as "104 create". */
function changesInWords(changes: Readonly<Record<string, number>>): string {
  return Object.entries(changes)
    .map(([operation, count]) => `${String(count)} ${operation}`)
    .join(", ");
}
