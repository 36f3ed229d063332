import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Does `work` while this process holds the lock file, and waits for a living holder before. The lock of one that was
 * killed is free, as in rehearsal/process-lock.ts, which needs a newer Node than this.
 * @param name what the holder does, for those who wait
 */
export async function withLock(file, name, signal, work) {
  for (let announced = false; !take(file); announced = true) {
    if (!announced) process.stderr.write(`Waiting for another ${name} …\n`);
    await sleep(500, undefined, { signal });
  }
  try {
    await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** @returns whether the lock is this process's now */
function take(file) {
  // Written whole, then linked into place: nobody ever reads a half-written lock.
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, JSON.stringify({ pid: process.pid, startTicks: startTicks(process.pid) }));
    while (!linked(draft, file)) {
      if (isHeld(file)) return false;
      clearStale(file);
    }
    return true;
  } catch (error) {
    throw new Error(
      `${file}: cannot be made: ${error.message}. Fix: make its folder writable for this user.`,
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

function linked(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function isHeld(file) {
  try {
    const holder = JSON.parse(readFileSync(file, "utf8"));
    const ticks = startTicks(holder.pid);
    return ticks !== undefined && ticks === holder.startTicks;
  } catch {
    return false;
  }
}

/** Start of a living process in clock ticks since boot, which tells it from a later one with its number. */
function startTicks(pid) {
  try {
    // The second field is the program's name in brackets and may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Moves a dead holder's lock away by rename, so that of two who find it only one removes it. */
function clearStale(file) {
  const grave = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, grave);
    // Between the look and the rename a new holder may have come: then it gets its lock back.
    if (isHeld(grave)) renameSync(grave, file);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  rmSync(grave, { recursive: true, force: true });
}
