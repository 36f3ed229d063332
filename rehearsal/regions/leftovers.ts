import { existsSync, readFileSync, readdirSync } from "node:fs";
import { cgroupFolders, processName, processesIn } from "./cgroups.ts";
import { rootFolder, regionsFolder } from "./folders.ts";
import { foreignHolder } from "./holder.ts";
import { run } from "./inside.ts";
import { regions, wan } from "./topology.ts";

/**
 * What the regions have left on this machine besides files in the cache: processes, cgroups, mounts, loop
 * devices, links and routes.
 * Empty when there is nothing; what regions of another cache use is not counted.
 */
export async function leftovers(): Promise<string[]> {
  const files = existsSync(rootFolder) ? [`folder ${rootFolder}`] : [];
  if (foreignHolder() !== undefined) return [...mountHolders(), ...files];
  const cgroups = [wan.cgroup, ...regions.map(({ cgroup }) => cgroup)];
  const routes = (await run(["ip", "-4", "route", "show", "root", wan.cidr])).stdout;
  const link = await run(["ip", "link", "show", "dev", wan.hostLink]);
  const loops = await run(["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"]);
  return [
    ...loops.stdout
      .split("\n")
      .filter((line) => line.includes(`${regionsFolder}/`))
      .map((line) => `loop device ${line.trim()}`),
    ...cgroups
      .flatMap((name) => processesIn(name))
      .map((pid) => `process ${String(pid)} (${processName(pid)})`),
    ...cgroups.flatMap((name) => cgroupFolders(name)).map((folder) => `cgroup ${folder}`),
    ...mountHolders(),
    ...(link.code === 0 ? [`link ${wan.hostLink}`] : []),
    ...routes
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => `route ${line.trim()}`),
    ...files,
  ];
}

/** Processes anywhere that still see a mount of the regions. */
function mountHolders(): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => read(`/proc/${pid}/mountinfo`).includes(`${regionsFolder}/`))
    .map((pid) => `mount seen by process ${pid} (${processName(Number(pid))})`);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // The process has ended meanwhile.
    return "";
  }
}
