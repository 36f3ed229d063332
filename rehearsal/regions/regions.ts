import { existsSync, rmSync } from "node:fs";
import { kubeconfigFile } from "../paths.ts";
import { Problem } from "../problem.ts";
import type { Reporter } from "../progress.ts";
import { destroyCgroup } from "./cgroups.ts";
import { ensureCredentials } from "./credentials.ts";
import { applyEquipment } from "./equipment.ts";
import { foldersOf, regionsFolder, rootFolder, s3AccessFile, s3AuthorityFile } from "./folders.ts";
import { foreignHolder, wanHolder } from "./holder.ts";
import { checkHost } from "./host.ts";
import { type ImageArchive, type PinnedImages, importImages as importInto } from "./images.ts";
import {
  type Outcome,
  type RunOptions,
  inRegion as runInRegion,
  regionInit,
  run,
} from "./inside.ts";
import {
  apiServerAnswers,
  dnsAnswers,
  gatewayAnswers,
  nodeIsReady,
  s3Answers,
  until,
} from "./readiness.ts";
import { endRegion, isUpToDate, lastWords, startRegion, wipeRegion } from "./region.ts";
import { ensureS3Credentials } from "./s3-access.ts";
import { ensureSeed, isPlanted, plantSeed } from "./seed.ts";
import type { RegionTools } from "./tools.ts";
import { type RegionKey, type Topology, regions, topology, wan } from "./topology.ts";
import { ensureWan, linkIsUp, setLink, toolsFingerprint } from "./wan.ts";

export { leftovers } from "./leftovers.ts";
export { type S3Access, s3Access, s3AccountAccess } from "./s3-access.ts";

export interface BootOptions {
  readonly tools: RegionTools;
  /** Every image that pods of the regions use, the three below among them. */
  readonly images: readonly ImageArchive[];
  /** Folder with the CustomResourceDefinitions that the clusters offer. */
  readonly crdsFolder: string;
  /** Repository and tag of the images that the regions themselves need. */
  readonly pauseImage: string;
  readonly corednsImage: string;
  readonly traefikImage: string;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal;
}

/** What a boot waits for, in the order it usually comes. */
export type Milestone =
  "started" | "api server" | "images" | "equipment" | "s3" | "node" | "dns" | "gateway";

export interface RegionBoot {
  /** Whether it ran already when the boot began. */
  readonly alreadyRunning: boolean;
  /** Seconds from the begin of the boot until each milestone. */
  readonly seconds: Readonly<Record<Milestone, number>>;
  /** `repository@sha256:...` of each image, by its repository and tag. */
  readonly images: PinnedImages;
}

export interface BootReport {
  /** Seconds until everything was ready. */
  readonly seconds: number;
  readonly regions: Readonly<Record<RegionKey, RegionBoot>>;
}

/** Longest that a milestone may take; a slow machine with cold files needs most of it. */
const patienceSeconds = 120;

/**
 * Boots both regions and waits until each really answers. What runs already is kept, what is half done is completed,
 * and what was killed is cleaned up and started anew with the state it had.
 * @throws a Problem that names what did not come up and the log to read.
 */
export async function bootRegions(options: BootOptions): Promise<BootReport> {
  const clock = stopwatch();
  await checkHost();
  options.reporter.status("credentials and images");
  await ensureCredentials();
  const settings = {
    pauseImage: options.pauseImage,
    s3: ensureS3Credentials(),
    tools: toolsFingerprint(options.tools),
  };
  const outdated = (region: Topology) =>
    regionInit(region) !== undefined && !isUpToDate(region, settings);
  // Without their network regions cannot go on; and the network brings the programs that they run.
  if (wanHolder() === undefined || regions.some(outdated)) await stopRegions({ keepState: true });
  const seed = regions.every(isPlanted) ? undefined : await ensureSeed(options.images);
  const holder = await ensureWan(options.tools);

  const failure = new AbortController();
  const signal = AbortSignal.any([
    failure.signal,
    ...(options.signal === undefined ? [] : [options.signal]),
  ]);
  const boot = async (region: Topology): Promise<RegionBoot> => {
    const alreadyRunning = regionInit(region) !== undefined;
    const since = alreadyRunning ? new Date(0) : new Date();
    if (!alreadyRunning) {
      if (seed !== undefined && !isPlanted(region)) await plantSeed(region, seed);
      await startRegion(region, settings, holder.pid);
    }
    return { alreadyRunning, ...(await awaitReady(region, { ...options, signal }, since, clock)) };
  };
  try {
    const [a, b] = await Promise.all([boot(topology.a), boot(topology.b)]);
    return { seconds: clock(), regions: { a, b } };
  } catch (error) {
    // Nobody waits for the other region any more.
    failure.abort();
    throw error;
  }
}

async function awaitReady(
  region: Topology,
  options: BootOptions,
  since: Date,
  clock: () => number,
): Promise<Pick<RegionBoot, "seconds" | "images">> {
  const { kubectl } = options.tools;
  const seconds: Partial<Record<Milestone, number>> = { started: clock() };
  const reach = async (milestone: Milestone, log: string, probe: () => Promise<boolean>) => {
    options.reporter.status(`${region.awsRegion}: waiting for ${milestone}`);
    try {
      await until(`${region.awsRegion}: ${milestone}`, patienceSeconds, probe, options.signal);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const folder = foldersOf(region).log;
      throw new Problem(`${error.message}\n${lastWords(region, log)}\nLogs: ${folder}`, error.code);
    }
    seconds[milestone] = clock();
  };

  await reach("api server", "init", () => apiServerAnswers(kubectl, region));
  const images = await importInto(region, options.images);
  seconds.images = clock();
  const pinned = (ref: string): string => {
    const image = images[ref];
    if (image === undefined) throw new Problem(`image ${ref} is not among the images to boot with`);
    return image;
  };
  const equipment = {
    kubectl,
    crdsFolder: options.crdsFolder,
    corednsImage: pinned(options.corednsImage),
    traefikImage: pinned(options.traefikImage),
  };
  await Promise.all([
    applyEquipment(region, equipment).then(() => (seconds.equipment = clock())),
    reach("s3", "s3", () => s3Answers(region)),
    reach("node", "kubelet", () => nodeIsReady(kubectl, region, since)),
    reach("dns", "kubelet", () => dnsAnswers(region)),
    reach("gateway", "kubelet", () => gatewayAnswers(region)),
  ]);
  return { seconds: seconds as Record<Milestone, number>, images };
}

/**
 * Ends both regions and everything around them on this machine. Regions of another cache are not touched.
 * @param options.keepState keeps what they have stored, so that the next boot goes on from there.
 */
export async function stopRegions(options: { readonly keepState: boolean }): Promise<void> {
  if (foreignHolder() === undefined) {
    await Promise.all(regions.map((region) => endRegion(region, options.keepState)));
    await run(["ip", "link", "del", wan.hostLink]);
    await destroyCgroup(wan.cgroup);
  }
  // Only a mount point: anything in it would be somebody's mistake, and is not removed.
  if (existsSync(rootFolder)) await run(["rmdir", rootFolder]);
  if (!options.keepState) wipeRegions();
}

/** Forgets what stopped regions have stored, their credentials included. @throws when one runs. */
export function wipeRegions(): void {
  const running = regions.filter((region) => regionInit(region) !== undefined);
  if (running.length > 0) throw new Problem("regions run: stop them before their state is wiped");
  regions.forEach(wipeRegion);
  for (const file of [regionsFolder, kubeconfigFile, s3AccessFile, s3AuthorityFile]) {
    rmSync(file, { recursive: true, force: true });
  }
}

/** Loses a region: nothing outside can reach it any more, while it goes on inside. */
export const cutLink = (key: RegionKey): Promise<void> => setLink(topology[key], "down");

/** Ends a region's loss. */
export const healLink = (key: RegionKey): Promise<void> => setLink(topology[key], "up");

export interface RegionStatus {
  readonly running: boolean;
  readonly linkUp: boolean;
}

/** What runs now. */
export async function regionsStatus(): Promise<Record<RegionKey, RegionStatus>> {
  const status = async (region: Topology): Promise<RegionStatus> => ({
    running: regionInit(region) !== undefined,
    linkUp: await linkIsUp(region),
  });
  return { a: await status(topology.a), b: await status(topology.b) };
}

/** Brings images into a running region. @returns `repository@sha256:...` of each, by its repository and tag. */
export const importImages = (
  key: RegionKey,
  archives: readonly ImageArchive[],
): Promise<PinnedImages> => importInto(topology[key], archives);

/** Runs a command inside a region, as its node's root. @throws when the region does not run. */
export const inRegion = (
  key: RegionKey,
  argv: readonly string[],
  options?: RunOptions,
): Promise<Outcome> => runInRegion(topology[key], argv, options);

function stopwatch(): () => number {
  const started = performance.now();
  return () => Math.round((performance.now() - started) / 100) / 10;
}
