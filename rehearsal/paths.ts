import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The clone this program runs from. */
export const repository = resolve(import.meta.dirname, "..");

/**
 * Everything a rehearsal keeps outside the clone: `LIFELINE_CACHE`, or `~/.cache/lifeline`.
 * Tools, images and `clusters` survive `npm run stop`; `run` does not.
 */
export const cache = resolve(
  process.env["LIFELINE_CACHE"] ?? join(homedir(), ".cache", "lifeline"),
);

/** Built or downloaded executables, a folder per tool and version. */
export const toolsFolder = join(cache, "tools");
/** Container images as archives, and the region seed unpacked from them. */
export const imagesFolder = join(cache, "images");
/** State of the running rehearsal: regions, engine state, kubeconfig, evidence. */
export const runFolder = join(cache, "run");
/** Merged kubeconfig of both regions. */
export const kubeconfigFile = join(runFolder, "kubeconfig");
/** The engine's project, state and secrets: what a rehearsal keeps beside its regions. */
export const engineFolder = join(runFolder, "engine");
/** The same for clusters that were there already, a folder per pair; survives `npm run stop`, as they do. */
export const clustersFolder = join(cache, "clusters");
