import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { keepEvidence, keptFile, keptParts } from "../../rehearsal/rollback/kept.ts";
import { Problem } from "../../rehearsal/problem.ts";
import { openLive, type LiveOptions } from "./live.ts";

export interface KeepOptions extends LiveOptions {
  /** Folder of reports; what is kept lies below it. */
  readonly report: string;
}

/** Says what is not there. */
const missingFile = "missing.txt";

/**
 * Keeps what the release that runs leaves behind, to be done before it is taken back: its pods will be gone.
 * @throws Problem naming what could not be kept
 */
export async function keepRelease(options: KeepOptions): Promise<void> {
  const { config, deployment, regions } = await openLive(options);
  const name = `${written(new Date())}-${options.known.stack}-${deployment.release}`;
  const folder = resolve(options.report, "kept", name);
  const { files, missing } = await keepEvidence(regions, config.namespace, folder);
  console.log(
    `kept of ${deployment.release}: ${String(files.length)} files in ${folder}. Logs may hold what users typed: they are yours alone to read.`,
  );
  if (missing.length === 0) return;
  writeFileSync(join(folder, missingFile), `${missing.join("\n")}\n`);
  throw new Problem(`Not kept:\n  ${missing.join("\n  ")}`);
}

interface KeptSubject {
  readonly stack: string;
  readonly release: string;
  /** Names of those of which something has to be there. */
  readonly regions: readonly string[];
}

/** What was kept of a release. */
export interface KeptRelease {
  readonly files: readonly string[];
  /** Whether the last time everything was kept: a run of it may have been ended half-way. */
  readonly isWhole: boolean;
}

/** What was kept of a release in a stack between two moments. */
export function keptBetween(
  report: string,
  { stack, release, regions }: KeptSubject,
  [since, until]: readonly [Date, Date],
): KeptRelease {
  const parent = resolve(report, "kept");
  const names = existsSync(parent) ? readdirSync(parent) : [];
  const folders = names
    .filter((name) => name.endsWith(`Z-${stack}-${release}`))
    .filter((name) => name >= written(since) && name <= written(until))
    .sort()
    .map((name) => join(parent, name));
  const files = folders.flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)));
  const [last = ""] = folders.slice(-1);
  const wanted = regions.flatMap((region) => keptParts.map((part) => keptFile(region, part)));
  return {
    files: files.sort(),
    isWhole:
      !existsSync(join(last, missingFile)) && wanted.every((file) => existsSync(join(last, file))),
  };
}

/** As folders are named, which sort by it. */
const written = (moment: Date): string => moment.toISOString().replace(/[-:]|\.\d+/g, "");
