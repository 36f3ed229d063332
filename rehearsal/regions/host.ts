import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Problem, exitCode } from "../problem.ts";
import { hierarchies } from "./cgroups.ts";
import { regionsFolder } from "./folders.ts";
import { foreignHolder } from "./holder.ts";
import { run } from "./inside.ts";
import { cniFolders, machinePrograms } from "./tools.ts";
import { wan } from "./topology.ts";

/** File system type of overlayfs, as statfs gives it: one cannot be the base of another. */
const overlayMagic = 0x794c7630;

const cannot = (reason: string): Problem => new Problem(reason, exitCode.cannotRun);

/** @throws a Problem with one sentence when regions cannot run on this machine. */
export async function checkHost(): Promise<void> {
  if (process.platform !== "linux") throw cannot("regions need Linux: run this on a Linux machine");
  if (process.getuid?.() !== 0)
    throw cannot("regions need root, for namespaces and links: run this as root");
  const missing = missingPrograms();
  if (missing.length > 0)
    throw cannot(`these packages are missing: apt-get install ${missing.join(" ")}`);
  if (cniFolder() === undefined)
    throw cannot("CNI plugins are missing: apt-get install containernetworking-plugins");
  if (!readFileSync("/proc/filesystems", "utf8").split(/\s+/).includes("overlay")) {
    throw cannot("the kernel has no overlayfs: run modprobe overlay");
  }
  if (!existsSync("/proc/sys/net/bridge"))
    throw cannot("the kernel does not filter bridges: run modprobe br_netfilter");
  if (!existsSync("/dev/loop-control"))
    throw cannot("the kernel has no loop devices, which volumes need: run modprobe loop");
  if (hierarchies().length === 0)
    throw cannot("no cgroup is mounted at /sys/fs/cgroup: run this where one is");
  mkdirSync(regionsFolder, { recursive: true });
  if (statfsSync(regionsFolder).type === overlayMagic) {
    throw cannot(
      `${regionsFolder} is on overlayfs, which images cannot be unpacked on: set LIFELINE_CACHE to a folder on a disk`,
    );
  }
  if ((await run(["unshare", "--mount", "--net", "--pid", "--fork", "true"])).code !== 0) {
    throw cannot(
      "namespaces cannot be made here: run this outside a container, or in a privileged one",
    );
  }
  await checkNetwork();
}

/** Refuses an address range that is somebody else's, and a rehearsal that runs from another folder. */
async function checkNetwork(): Promise<void> {
  const holder = foreignHolder();
  if (holder !== undefined) {
    throw cannot(
      `regions already run from ${holder.folder}: stop them there, or set LIFELINE_CACHE to that cache`,
    );
  }
  const { stdout } = await run(["ip", "-4", "route", "show", "root", wan.cidr]);
  const foreign = foreignRoutes(stdout);
  if (foreign.length > 0) {
    throw cannot(
      `${wan.cidr} is in use on this machine (${foreign.join("; ")}): the regions need it for themselves`,
    );
  }
}

/** Routes that are not the regions' own, of those that `ip route` printed. */
export const foreignRoutes = (output: string): string[] =>
  output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.includes(`dev ${wan.hostLink} `));

/** Debian packages that bring what is missing. */
function missingPrograms(): string[] {
  const missing = Object.entries(machinePrograms).filter(
    ([program]) => findProgram(program) === undefined,
  );
  return [...new Set(missing.map(([, source]) => source))];
}

function findProgram(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, program)).find(isThere);
}

/** Folder with the standard CNI plugins. */
export const cniFolder = (): string | undefined =>
  cniFolders.find((folder) => isThere(join(folder, "bridge")));

function isThere(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
