import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { startTicks } from "../process-lock.ts";

/** Makes a folder that bears this process's name, so that a later one can tell whether it is still in use. */
export function makeTemporaryFolder(parent: string): string {
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(
    join(parent, `making-${String(process.pid)}-${startTicks(process.pid) ?? ""}-`),
  );
}

/** Removes what processes that no longer live left half-made. */
export function removeAbandoned(parent: string): void {
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent)) {
    const [, pid, ticks] = /^making-(\d+)-(\d*)-/.exec(name) ?? [];
    if (pid !== undefined && startTicks(Number(pid)) !== ticks)
      rmSync(join(parent, name), { recursive: true, force: true });
  }
}
