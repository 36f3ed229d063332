import { readFileSync } from "node:fs";
import { processesIn } from "./cgroups.ts";
import { regionsFolder } from "./folders.ts";
import { wan } from "./topology.ts";

/** The process that holds the regions' network, and the folder of the rehearsal it belongs to. */
export interface WanHolder {
  readonly pid: number;
  readonly folder: string;
}

/** The living holder, whosever it is; undefined when there is none or it is still being made. */
export function wanHolder(): WanHolder | undefined {
  for (const pid of processesIn(wan.cgroup)) {
    const holder = parseHolder(pid, commandLine(pid));
    if (holder !== undefined) return holder;
  }
  return undefined;
}

/** @returns the holder that a command line describes; exported for its test. */
export function parseHolder(pid: number, argv: readonly string[]): WanHolder | undefined {
  const [program, name, folder] = argv;
  return program?.endsWith("/pause") && name === "wan" && folder !== undefined
    ? { pid, folder }
    : undefined;
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** The holder, when it belongs to a rehearsal with another cache: its regions are not ours to touch. */
export function foreignHolder(): WanHolder | undefined {
  const holder = wanHolder();
  return holder !== undefined && holder.folder !== regionsFolder ? holder : undefined;
}
