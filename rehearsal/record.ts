import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, availableParallelism, release, totalmem } from "node:os";
import type { Config } from "../config/schema.ts";
import { unknownAddress } from "./checks/https-client.ts";
import type { RegionUnderTest } from "./checks/subject.ts";
import type { UpdateResult } from "./engine.ts";
import type { Ground } from "./ground.ts";
import { repository } from "./paths.ts";
import type { PhaseOfUpdate } from "./phases-of-update.ts";
import {
  type CheckResult,
  type Evidence,
  type Findings,
  type RegionEvidence,
  type RunSummary,
  assembleEvidence,
} from "./report/evidence.ts";
import { judgeObjectives } from "./report/objectives.ts";
import type { PhaseId } from "./report/phases.ts";
import { clusterOf, declaredCheck } from "./verify.ts";
import { certificateAuthority, missingControllers, standInLimits } from "./stand-ins.ts";
import { readWorkloads } from "./workloads.ts";

/** What one rehearsal has found so far; becomes evidence at its end, however it ended. */
export class RehearsalRecord {
  /** Why it ended early. */
  interruption: string | null = null;
  ground: Ground | undefined;
  config: Config | undefined;
  regions: readonly RegionUnderTest[] = [];
  phases: Findings["phases"] = {};
  proofs: Findings["proofs"] = [];
  readonly #secrets = new Set<string>();
  readonly #runs: RunSummary[] = [];
  readonly #startedAt = new Date();

  /** Must not be found in the report. */
  get secrets(): readonly string[] {
    return [...this.#secrets];
  }

  /** Adds to what must not be found in the report. */
  keepOut(secrets: readonly string[]): void {
    for (const secret of secrets) this.#secrets.add(secret);
  }

  addRun(
    name: string,
    { seconds, changes }: Pick<UpdateResult, "seconds" | "changes">,
  ): RunSummary {
    const count = (...operations: string[]) =>
      operations.reduce((sum, operation) => sum + (changes[operation] ?? 0), 0);
    const run: RunSummary = {
      name,
      seconds,
      created: count("create"),
      updated: count("update"),
      replaced: count("replace", "create-replacement"),
      deleted: count("delete", "delete-replaced", "discard"),
      unchanged: count("same"),
    };
    this.#runs.push(run);
    return run;
  }

  /** Keeps what an update had done, and where it stopped. */
  stoppedAt(update: Partial<Record<PhaseId, PhaseOfUpdate>>): void {
    for (const [id, phase] of Object.entries(update) as [PhaseId, PhaseOfUpdate][]) {
      this.phases[id] = { checks: [declaredCheck(phase), notChecked], seconds: phase.seconds };
    }
  }

  /** @throws Error when the rehearsal had not even come to its configuration */
  async evidence(): Promise<Evidence> {
    const { ground, config } = this;
    if (ground === undefined || config === undefined) throw new Error("nothing was rehearsed");
    return assembleEvidence({
      interruption: this.interruption,
      run: {
        startedAt: this.#startedAt.toISOString(),
        finishedAt: new Date().toISOString(),
        product: config.product,
        release: config.release.version,
        host: config.host,
        machine: machine(),
        commit: commit(),
      },
      tools: ground.tools.map(({ tool, version, how, seconds }) => ({
        name: tool,
        version,
        how,
        seconds,
      })),
      regions: await Promise.all(
        ground.places.map(async (place, index): Promise<RegionEvidence> => ({
          name: place.awsRegion,
          role: place.awsRegion === config.activeRegion ? "primary" : "standby",
          context: place.context,
          address: this.regions[index]?.address ?? unknownAddress,
          milestones: [...place.milestones],
          workloads: await readWorkloads(this.regions[index]?.cluster, config),
        })),
      ),
      standIns: [...ground.standIns.map((name) => standInLimits[name]), certificateAuthority],
      absent: await missingControllers(
        ground.places.map(({ context }) => clusterOf(ground, context)),
      ),
      images: ground.images.map(({ name, reference, seconds, cached }) => ({
        name,
        reference,
        seconds,
        cached,
      })),
      phases: this.phases,
      proofs: this.proofs,
      runs: this.#runs,
      objectives: judgeObjectives(measuredBy(this.proofs)),
    });
  }
}

/** Beside what the engine made of a phase, when it did not come to its checks. */
const notChecked: CheckResult = {
  name: "Checked as it runs",
  status: "skipped",
  seconds: 0,
  expected: "",
  measured: "",
  detail: "Declared, not checked: the update stopped before its end.",
};

/** The worst of both regions; nothing where one of them has no figure. */
function measuredBy(proofs: Findings["proofs"]): Parameters<typeof judgeObjectives>[0] {
  const losses = proofs.flatMap(({ measuredRpoSeconds }) => measuredRpoSeconds ?? []);
  if (losses.length < 2) return {};
  const ages = proofs.map(({ finishedAt }) => (Date.now() - Date.parse(finishedAt)) / 1000);
  return {
    restoreProof: { proofSeconds: Math.max(...ages), lossSeconds: Math.max(...losses) },
  };
}

function machine(): Evidence["run"]["machine"] {
  const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  return {
    os: name ?? "Linux",
    kernel: release(),
    architecture: arch(),
    cores: availableParallelism(),
    memoryGib: Math.round((totalmem() / 2 ** 30) * 10) / 10,
  };
}

function commit(): string | null {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], {
      cwd: repository,
      stdio: ["ignore", "pipe", "ignore"],
    })
      .toString()
      .trim();
  } catch {
    return null;
  }
}
