import { existsSync, lstatSync, readFileSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * The regions' processes are known by their cgroup, not by pid files: a number can be stale or taken by another
 * process, a cgroup cannot.
 */

const mountPoint = "/sys/fs/cgroup";

/** Root folder of each hierarchy: one in version 2, several in version 1. */
export function hierarchies(root = mountPoint): string[] {
  if (existsSync(join(root, "cgroup.controllers"))) return [root];
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter(
      (folder) => !lstatSync(folder).isSymbolicLink() && existsSync(join(folder, "cgroup.procs")),
    );
}

/** Every cgroup folder of that name, with all below it, deepest first. */
export function cgroupFolders(name: string, root = mountPoint): string[] {
  return hierarchies(root).flatMap((hierarchy) => below(join(hierarchy, name)));
}

function below(folder: string): string[] {
  try {
    const children = readdirSync(folder, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    return [...children.flatMap((child) => below(join(folder, child.name))), folder];
  } catch {
    // A cgroup may vanish while it is being read.
    return [];
  }
}

/** Processes in a cgroup and all below it. */
export function processesIn(name: string, root = mountPoint): number[] {
  const found = new Set<number>();
  for (const folder of cgroupFolders(name, root)) {
    for (const pid of readLines(join(folder, "cgroup.procs"))) found.add(Number(pid));
  }
  return [...found];
}

/**
 * The process that is number 1 of the process namespace made for a region. Containers below it are number 1 of
 * namespaces one level deeper.
 */
export function firstProcess(pids: readonly number[], proc = "/proc"): number | undefined {
  const own = levels("self", proc).length;
  return pids.find((pid) => {
    const numbers = levels(String(pid), proc);
    // One that was killed stays for as long as it takes to end its whole namespace, without memory of its own.
    const alive = readLines(join(proc, String(pid), "cmdline")).length > 0;
    return alive && numbers.length === own + 1 && numbers.at(-1) === "1";
  });
}

/** A process's number in each process namespace it is in, the outermost first. */
function levels(pid: string, proc: string): string[] {
  const line = readLines(join(proc, pid, "status")).find((text) => text.startsWith("NSpid:"));
  return line === undefined ? [] : line.split(/\s+/).slice(1);
}

/** Name of a process's program; empty when it has ended. */
export const processName = (pid: number): string => readLines(`/proc/${String(pid)}/comm`)[0] ?? "";

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}

/** Kills whatever is in the cgroup and removes it. @throws when something stays for ten seconds. */
export async function destroyCgroup(name: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (cgroupFolders(name).length > 0) {
    for (const pid of processesIn(name)) kill(pid);
    for (const folder of cgroupFolders(name)) {
      try {
        rmdirSync(folder);
      } catch {
        // Its last process has not gone yet.
      }
    }
    if (cgroupFolders(name).length === 0) return;
    if (Date.now() > deadline) {
      throw new Error(
        `cgroup ${name} cannot be removed: processes ${processesIn(name).join(", ")} do not end`,
      );
    }
    await sleep(50);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
