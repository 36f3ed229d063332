import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { type Cluster, connect } from "./checks/cluster.ts";
import { find } from "./checks/objects.ts";
import { readLocalConfig } from "./local-config.ts";
import { engineFolder, kubeconfigFile } from "./paths.ts";
import { Problem, exitCode } from "./problem.ts";
import { runTasks } from "./progress.ts";
import { withRehearsalLock } from "./rehearsal-lock.ts";
import type { CheckResult, Proof } from "./report/evidence.ts";
import { duration } from "./report/words.ts";
import { proofJob, proveRestore } from "./restore-proof.ts";

/** A region whose archive is to be proved. */
export interface ProvedRegion {
  readonly name: string;
  readonly cluster: Cluster;
}

/** What came of it in one region. */
export interface Drilled {
  readonly region: string;
  /** Its report, green or red; undefined when it could not be run to its end. */
  readonly proof?: Proof;
  /** Why it is not green; empty when it is. */
  readonly trouble: string;
  readonly seconds: number;
}

/**
 * Proves on the running rehearsal, in both regions at once, that the archive brings the database back.
 * @throws Problem when no rehearsal runs, or a proof is not green
 */
export async function drill({ json }: { readonly json: boolean }): Promise<void> {
  await withRehearsalLock("npm run drill", async (signal) => {
    const config = runningConfig();
    const regions = config.regions.map(({ name, kubeContext }) => ({
      name,
      // No command is run in a container.
      cluster: connect({ kubeconfig: kubeconfigFile, context: kubeContext, kubectl: "kubectl" }),
    }));
    for (const { cluster } of regions) await mustHaveProof(cluster, config.namespace);
    const drilled = await proveRegions("restore proof", regions, config.namespace, signal);
    process.stdout.write(json ? `${JSON.stringify({ regions: drilled })}\n` : inWords(drilled));
    const red = drilled.filter(({ trouble }) => trouble !== "");
    if (red.length > 0) {
      throw new Problem(
        `The drill failed. ${red.map(({ region, trouble }) => `${region}: ${trouble}`).join("; ")}`,
      );
    }
  });
}

const notRunning = (why: string): Problem =>
  new Problem(
    `No rehearsal to drill: ${why}. Fix: npm start, then npm run drill.`,
    exitCode.cannotRun,
  );

/** The configuration that the running rehearsal was given. */
function runningConfig(): Config {
  const projectFolder = join(engineFolder, "project");
  if (!existsSync(kubeconfigFile) || !existsSync(join(projectFolder, "Pulumi.local.yaml")))
    throw notRunning(`there is no ${kubeconfigFile}`);
  return readLocalConfig({ projectFolder, releasesFolder: join(engineFolder, "releases") });
}

async function mustHaveProof(cluster: Cluster, namespace: string): Promise<void> {
  const found = await find(cluster, "cronjobs", proofJob, namespace).catch((error: unknown) => {
    throw notRunning(`${cluster.context} does not answer (${String(error)})`);
  });
  if (found === undefined)
    throw notRunning(`${cluster.context} has no CronJob ${proofJob} in ${namespace}`);
}

/** Runs the proof in all regions at once. Never rejects because of what a proof found. */
export async function proveRegions(
  title: string,
  regions: readonly ProvedRegion[],
  namespace: string,
  signal?: AbortSignal,
): Promise<Drilled[]> {
  const results = new Map<string, Drilled>();
  await runTasks(
    regions.map(({ name, cluster }) => ({
      title: `${title}, ${name}`,
      run: async (reporter) => {
        const started = performance.now();
        const run = { cluster, namespace, onLine: reporter.status, ...(signal && { signal }) };
        const found = await proveRestore(run).then(
          (proof) => ({ proof, trouble: proof.reason ?? "" }),
          (error: unknown) => ({ trouble: error instanceof Error ? error.message : String(error) }),
        );
        signal?.throwIfAborted();
        const seconds = Math.round(performance.now() - started) / 1000;
        results.set(name, { region: name, ...found, seconds });
        return found.trouble === "" ? "green" : `RED: ${found.trouble}`;
      },
    })),
    regions.length,
  );
  return regions.flatMap(({ name }) => results.get(name) ?? []);
}

/** The outcome in one region, beside the other checks of the data. */
export function drillCheck({ region, proof, trouble, seconds }: Drilled): CheckResult {
  return {
    name: "The archive alone brings the database back",
    region,
    status: trouble === "" ? "passed" : "failed",
    seconds,
    expected: "every rung of the restore proof green",
    measured: proof === undefined ? "no proof" : figures(proof),
    detail: trouble,
  };
}

function figures({ phases, measuredRtoSeconds, measuredRpoSeconds }: Proof): string {
  const green = phases.filter(({ ok }) => ok).length;
  const took = measuredRtoSeconds === null ? "" : `, usable after ${duration(measuredRtoSeconds)}`;
  const lost = measuredRpoSeconds === null ? "" : `, ${duration(measuredRpoSeconds)} behind`;
  return `${String(green)} of ${String(phases.length)} rungs green${took}${lost}`;
}

function inWords(drilled: readonly Drilled[]): string {
  return drilled
    .map(({ region, proof, trouble }) => {
      const title = `${region}: ${trouble === "" ? "GREEN" : `RED, ${trouble}`}`;
      if (proof === undefined) return `${title}\n`;
      const rungs = proof.phases.map(
        ({ name, seconds, ok, detail }) =>
          `  ${ok ? "ok " : "RED"} ${name.padEnd(14)} ${seconds.toFixed(1).padStart(6)} s  ${detail}`,
      );
      const measured = [
        `  back and usable (RTO)       ${secondsOf(proof.measuredRtoSeconds)}`,
        `  behind the living (RPO)     ${secondsOf(proof.measuredRpoSeconds)}`,
      ];
      return [title, ...rungs, ...measured, ""].join("\n");
    })
    .join("\n");
}

const secondsOf = (seconds: number | null): string =>
  seconds === null ? "not measured" : `${seconds.toFixed(1)} s`;
