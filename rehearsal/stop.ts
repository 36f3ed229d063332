import { rmSync } from "node:fs";
import { cache, runFolder } from "./paths.ts";
import { endEngines } from "./go-live.ts";
import { Problem } from "./problem.ts";
import { runTasks } from "./progress.ts";
import { leftovers, stopRegions } from "./regions/regions.ts";
import { withRehearsalLock } from "./rehearsal-lock.ts";

export interface StopOptions {
  /** Remove built tools and images too. */
  readonly purge: boolean;
}

/**
 * Removes everything a rehearsal made: processes, links, routes, mounts, state.
 * @throws Problem listing what could not be removed
 */
export async function stop({ purge }: StopOptions): Promise<void> {
  await withRehearsalLock("npm run stop", async () => {
    await runTasks([
      {
        title: "stop",
        run: async () => {
          await endEngines();
          await stopRegions({ keepState: false });
          const left = await leftovers();
          if (left.length > 0) throw new Problem(`Still there after stop:\n${left.join("\n")}`);
          rmSync(purge ? cache : runFolder, { recursive: true, force: true });
          return purge
            ? `nothing left; ${cache} removed`
            : `nothing left; tools and images kept in ${cache}`;
        },
      },
    ]);
  });
}
