import { existsSync, readFileSync } from "node:fs";
import { Problem, exitCode } from "../problem.ts";
import { run } from "./inside.ts";

/** A part of the kernel that a machine may not have loaded yet. */
export interface KernelModule {
  readonly name: string;
  /** What is wrong without it. */
  readonly lack: string;
  readonly isThere: () => boolean;
}

export const neededModules: readonly KernelModule[] = [
  {
    name: "overlay",
    lack: "the kernel has no overlayfs, which containers run on",
    isThere: () => readFileSync("/proc/filesystems", "utf8").split(/\s+/).includes("overlay"),
  },
  {
    name: "br_netfilter",
    lack: "the kernel does not filter bridges",
    isThere: () => existsSync("/proc/sys/net/bridge"),
  },
  {
    name: "loop",
    lack: "the kernel has no loop devices, which volumes need",
    isThere: () => existsSync("/dev/loop-control"),
  },
];

/**
 * Loads what is missing, as container engines do when they start.
 * @param load resolves with the reason when it could not
 * @throws Problem naming a module that is still missing then
 */
export async function loadMissing(
  modules: readonly KernelModule[] = neededModules,
  load: (name: string) => Promise<string> = modprobe,
): Promise<void> {
  for (const { name, lack, isThere } of modules) {
    if (isThere()) continue;
    const reason = await load(name);
    if (isThere()) continue;
    throw new Problem(
      `${lack}, and modprobe ${name} fails: ${reason}. Fix: load ${name} on the machine itself, or use a kernel that has it.`,
      exitCode.cannotRun,
    );
  }
}

async function modprobe(name: string): Promise<string> {
  try {
    const { code, stderr } = await run(["modprobe", name]);
    return code === 0 ? "it changed nothing" : stderr.trim();
  } catch {
    return "there is no modprobe here";
  }
}
