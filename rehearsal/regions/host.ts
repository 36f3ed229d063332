import { accessSync, constants, mkdirSync, statfsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Problem, exitCode } from "../problem.ts";
import { hierarchies } from "./cgroups.ts";
import { regionsFolder } from "./folders.ts";
import { foreignHolder } from "./holder.ts";
import { run } from "./inside.ts";
import { loadMissing } from "./kernel.ts";
import { cniFolders, machinePrograms } from "./tools.ts";
import { wan } from "./topology.ts";

/** File system type of overlayfs, as statfs gives it: one cannot be the base of another. */
const overlayMagic = 0x794c7630;

const cannot = (reason: string): Problem => new Problem(reason, exitCode.cannotRun);

/** @throws a Problem with one sentence when regions cannot run on this machine. */
export async function checkHost(): Promise<void> {
  const missing = missingPrograms();
  if (missing.length > 0)
    throw cannot(`these packages are missing: apt-get install ${missing.join(" ")}`);
  if (cniFolder() === undefined)
    throw cannot("CNI plugins are missing: apt-get install containernetworking-plugins");
  await checkMachine();
}

/**
 * The part that needs no installed package, so that it can come before anything is downloaded or built. Loads modules of
 * the kernel that are missing.
 * @throws a Problem with one sentence when regions cannot run on this machine.
 */
export async function checkMachine(): Promise<void> {
  if (process.platform !== "linux") throw cannot("regions need Linux: run this on a Linux machine");
  if (process.getuid?.() !== 0)
    throw cannot("regions need root, for namespaces and links: run this as root");
  await loadMissing();
  if (hierarchies().length === 0)
    throw cannot("no cgroup is mounted at /sys/fs/cgroup: run this where one is");
  mkdirSync(regionsFolder, { recursive: true });
  if (statfsSync(regionsFolder).type === overlayMagic) {
    throw cannot(
      `${regionsFolder} is on overlayfs, which images cannot be unpacked on: set LIFELINE_CACHE to a folder on a disk`,
    );
  }
  if (!(await canUnshare())) {
    throw cannot(
      "namespaces cannot be made here: run this outside a container, or in a privileged one",
    );
  }
  await checkNetwork();
}

/** A program that is not installed yet is no reason: whether it is there, checkHost sees to. */
async function canUnshare(): Promise<boolean> {
  if (findProgram("unshare") === undefined) return true;
  return (await run(["unshare", "--mount", "--net", "--pid", "--fork", "true"])).code === 0;
}

/** Refuses an address range that is somebody else's, and a rehearsal that runs from another folder. */
async function checkNetwork(): Promise<void> {
  const holder = foreignHolder();
  if (holder !== undefined) {
    throw cannot(
      `regions already run from ${holder.folder}: stop them there, or set LIFELINE_CACHE to that cache`,
    );
  }
  if (findProgram("ip") === undefined) return;
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
