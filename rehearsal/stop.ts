import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cache, clustersFolder, runFolder } from "./paths.ts";
import { endEngines } from "./go-live.ts";
import { Problem } from "./problem.ts";
import { runTasks } from "./progress.ts";
import { leftovers, stopRegions } from "./regions/regions.ts";
import { withRehearsalLock } from "./rehearsal-lock.ts";
import { foldersKept, removalOf } from "./stack-folders.ts";

export interface StopOptions {
  /** Remove built tools and images too. */
  readonly purge: boolean;
}

/**
 * Removes everything a rehearsal made on this machine: processes, links, routes, mounts, state. What one made in clusters
 * that were there already stays; how to remove it is said.
 * @throws Problem listing what could not be removed
 */
export async function stop({ purge }: StopOptions): Promise<void> {
  await withRehearsalLock("npm run stop", async () => {
    const kept = foldersKept();
    await runTasks([
      {
        title: "stop",
        run: async () => {
          await removeRehearsal();
          const left = kept.length === 0 ? "nothing left" : "nothing left of what was booted here";
          if (!purge) return `${left}; tools and images kept in ${cache}`;
          purgeCache(kept.length > 0);
          return `${left}; ${kept.length === 0 ? cache : "tools and images"} removed`;
        },
      },
    ]);
    for (const folder of kept) process.stderr.write(`\n${removalOf(folder)}\n`);
  });
}

/** The state of other clusters stays: without it nobody could tell what a rehearsal has made in them. */
function purgeCache(keepsStacks: boolean): void {
  const paths = keepsStacks ? readdirSync(cache).map((name) => join(cache, name)) : [cache];
  for (const path of paths) {
    if (path !== clustersFolder) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * The same for a caller that holds the rehearsal; tools and images stay.
 * @throws Problem listing what could not be removed
 */
export async function removeRehearsal(): Promise<void> {
  await endEngines();
  await stopRegions({ keepState: false });
  const left = await leftovers();
  if (left.length > 0) throw new Problem(`Still there after stop:\n${left.join("\n")}`);
  rmSync(runFolder, { recursive: true, force: true });
}
