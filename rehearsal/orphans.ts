import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Processes that a killed run left behind, told from others by a word of their environment. */
function findOrphans(environmentWord: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${String(pid)}/environ`, "utf8")
          .split("\0")
          .includes(environmentWord);
      } catch {
        return false; // gone meanwhile, or another user's
      }
    });
}

/** Gives orphans `graceSeconds` to notice that their parent is gone, then ends them. */
export async function endOrphans(environmentWord: string, graceSeconds: number): Promise<void> {
  const deadline = Date.now() + graceSeconds * 1000;
  for (;;) {
    const pids = findOrphans(environmentWord);
    if (pids.length === 0) return;
    if (Date.now() > deadline) for (const pid of pids) tryKill(pid);
    await sleep(200);
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
