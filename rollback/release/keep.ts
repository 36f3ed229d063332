import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

import { keepEvidence } from "../../rehearsal/rollback/kept.ts";
import { Problem } from "../../rehearsal/problem.ts";
import { openLive, type LiveOptions } from "./live.ts";

export interface KeepOptions extends LiveOptions {
  /** Folder of reports; what is kept lies below it. */
  readonly report: string;
}

/**
 * Keeps what the release that runs leaves behind, to be done before it is taken back: its pods will be gone.
 * @throws Problem naming what could not be kept
 */
export async function keepRelease(options: KeepOptions): Promise<void> {
  const { config, deployment, regions } = await openLive(options);
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const name = `${at}-${options.known.stack}-${deployment.release}`;
  const folder = resolve(options.report, "kept", name);
  const { files, missing } = await keepEvidence(regions, config.namespace, folder);
  console.log(
    `kept of ${deployment.release}: ${String(files.length)} files in ${folder}. Logs may hold what users typed: they are yours alone to read.`,
  );
  if (missing.length > 0) throw new Problem(`Not kept:\n  ${missing.join("\n  ")}`);
}

/** What was kept of a release in a stack since a moment. */
export function keptSince(report: string, stack: string, release: string, since: Date): string[] {
  const parent = resolve(report, "kept");
  if (!existsSync(parent)) return [];
  const earliest = since.toISOString().replace(/[-:]|\.\d+/g, "");
  return readdirSync(parent)
    .filter((name) => name.endsWith(`Z-${stack}-${release}`) && name >= earliest)
    .flatMap((name) => readdirSync(join(parent, name)).map((file) => join(parent, name, file)))
    .sort();
}
