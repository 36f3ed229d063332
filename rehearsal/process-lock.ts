import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Who holds a lock: a process, told from a later one with the same number by its start time. */
export interface Holder {
  readonly pid: number;
  /** Start of the process in clock ticks since boot, from /proc. */
  readonly startTicks: string;
  readonly command: string;
}

/** Start time of a living process, or undefined when there is none (a zombie counts as none). */
export function startTicks(pid: number): string | undefined {
  try {
    // The second field is the program's name in brackets and may hold spaces.
    const fields = readFileSync(`/proc/${String(pid)}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The living holder of a lock file; undefined when it is free or its holder was killed. */
export function holderOf(file: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(file, "utf8")) as Holder;
    return startTicks(holder.pid) === holder.startTicks ? holder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes a lock file for this process. Survives kill -9: a dead holder's lock is free.
 * @returns a function that gives it back, or the living holder.
 */
export function takeLock(file: string, command: string): (() => void) | Holder {
  mkdirSync(dirname(file), { recursive: true });
  const me: Holder = { pid: process.pid, startTicks: startTicks(process.pid) ?? "", command };
  // Written whole, then linked into place: nobody ever reads a half-written lock.
  const draft = `${file}.${String(process.pid)}`;
  writeFileSync(draft, JSON.stringify(me), { mode: 0o600 });
  try {
    while (!linked(draft, file)) {
      const holder = holderOf(file);
      if (holder !== undefined) return holder;
      clearStale(file);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    if (holderOf(file)?.pid === process.pid) rmSync(file, { force: true });
  };
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Moves a dead holder's file away by rename, so that of two who find it only one removes it. */
function clearStale(file: string): void {
  const grave = `${file}.stale-${String(process.pid)}`;
  try {
    renameSync(file, grave);
    // Between the look and the rename a new holder may have come: then it gets its lock back.
    if (holderOf(grave) !== undefined) renameSync(grave, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  rmSync(grave, { force: true });
}
