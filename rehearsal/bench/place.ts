import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openCertificateAuthority } from "../certificate-authority.ts";
import { run } from "../command.ts";
import { openProgram } from "../go-live.ts";
import { type Ground, type Place, prepareGround } from "../ground.ts";
import { engineFolder, kubeconfigFile, runFolder } from "../paths.ts";
import { Problem } from "../problem.ts";
import type { Reporter } from "../progress.ts";
import { emptyBucket } from "../regions/s3-objects.ts";
import { s3Access } from "../regions/s3-access.ts";
import { removeBucket } from "../regions/s3-grants.ts";
import { regions } from "../regions/topology.ts";
import { removeRehearsal } from "../stop.ts";
import { clusterOf } from "../verify.ts";
import { type KubernetesObject, objectsOf } from "./objects.ts";

/** Everything measured runs here, beside whatever the rehearsal runs. */
export const namespace = "gravl-bench";

/** The nodes' ports are everybody's. */
const settings = { "peering.ports": { postgres: 30433, api: 30009, backup: 30844 } };

const folder = join(runFolder, "bench");

/** Of a program that failed: enough to see what and why. */
const shownLines = 20;
const shownArguments = 12;

/** Both regions with a namespace of their own to measure in. */
export class BenchPlace {
  readonly ground: Ground;
  readonly #signal: AbortSignal;

  private constructor(ground: Ground, signal: AbortSignal) {
    this.ground = ground;
    this.#signal = signal;
  }

  /**
   * Works on a running rehearsal, or boots one for as long as it takes. Afterwards nothing is left of what was measured,
   * nor of regions that were booted for it.
   */
  static async during(
    signal: AbortSignal,
    work: (place: BenchPlace) => Promise<void>,
  ): Promise<void> {
    const wasThere = existsSync(kubeconfigFile);
    try {
      const ground = await prepareGround(signal);
      const place = new BenchPlace(ground, signal);
      const clusters = ground.places.map(({ context }) => clusterOf(ground, context));
      const authority = await openCertificateAuthority(engineFolder, clusters, () => undefined);
      authority.start();
      try {
        await place.clear();
        await work(place);
      } finally {
        await authority.stop();
        if (wasThere) await place.clear();
      }
    } finally {
      if (!wasThere) await removeRehearsal();
    }
  }

  /** Runs the program once with these settings. */
  async up(
    { status }: Reporter,
    changed: Readonly<Record<string, unknown>> = {},
  ): Promise<BenchRun> {
    const started = performance.now();
    const { engine, close } = await openProgram({
      ground: this.ground,
      signal: this.#signal,
      folder: join(folder, "engine"),
      namespace,
      settings: { ...settings, ...changed },
    });
    try {
      const { seconds } = await engine.up(status);
      const secondsInAll = (performance.now() - started) / 1000;
      const resources = await engine.resources();
      return { seconds, secondsInAll, objects: ({ awsRegion }) => objectsOf(awsRegion, resources) };
    } finally {
      await close();
    }
  }

  /** The same in both regions at once. */
  async inBoth(work: (place: Place) => Promise<unknown>): Promise<void> {
    await Promise.all(this.ground.places.map(work));
  }

  /** @throws Problem with what kubectl said */
  kubectl(place: Place, ...args: readonly string[]): Promise<string> {
    return must(this.ground.kubectl, [...this.#access(place), ...args], this.#signal);
  }

  #access({ context }: Place): string[] {
    return ["--kubeconfig", this.ground.kubeconfig, "--context", context, "-n", namespace];
  }

  /** A folder that only its owner can look into: objects come with their secrets. Gone with everything else. */
  privateFolder(): string {
    const objects = join(folder, "objects");
    mkdirSync(objects, { recursive: true, mode: 0o700 });
    return objects;
  }

  /**
   * Removes all of it from both regions: objects, volumes, archives, state. The next measurement begins with nothing. An
   * interrupted one is cleared, too.
   */
  async clear(): Promise<void> {
    await this.clearClusters();
    for (const { key, awsRegion } of regions)
      await removeBucket(s3Access(key), bucketOf(awsRegion));
    rmSync(folder, { recursive: true, force: true });
  }

  /** The same, but for the empty buckets: whoever knows nothing of AWS finds them made. */
  async clearClusters(): Promise<void> {
    await this.inBoth(async (place) => {
      const kubectl = (...args: string[]) =>
        must(this.ground.kubectl, [...this.#access(place), ...args]);
      const remove = ["delete", "--ignore-not-found", "--wait"];
      await kubectl(...remove, "namespace", namespace);
      await kubectl(...remove, "clusterissuer", namespace);
      const claims = ["get", "pv", "-o", "jsonpath={.items[*].spec.claimRef.namespace}"];
      while ((await kubectl(...claims)).split(/\s/).includes(namespace)) await sleep(500);
    });
    for (const { key, awsRegion } of regions) await emptyBucket(s3Access(key), bucketOf(awsRegion));
  }
}

const bucketOf = (awsRegion: string): string => `${namespace}-${awsRegion}`;

/** What came of one run of the program. */
export interface BenchRun {
  /** Of the engine's run alone. */
  readonly seconds: number;
  /** From the moment that the settings began to be written. */
  readonly secondsInAll: number;
  /** Everything that it declared in a region. */
  readonly objects: (place: Place) => KubernetesObject[];
}

/** Runs a program to its end. @throws Problem with what it said */
export async function must(
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const { code, stdout, lines } = await run(program, args, { signal });
  if (code === 0) return stdout;
  // A patch that was refused is quoted as JSON, with whatever secret is in it.
  const said = lines.filter((line) => !line.startsWith("{")).slice(-shownLines);
  throw new Problem(`${program} ${args.slice(0, shownArguments).join(" ")}:\n${said.join("\n")}`);
}
