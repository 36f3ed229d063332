import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../problem.ts";
import { regionsFolder, scriptsFolder } from "./folders.ts";
import { type WanHolder, foreignHolder, wanHolder } from "./holder.ts";
import { must, run } from "./inside.ts";
import { type RegionTools, toolNames } from "./tools.ts";
import { type Topology, wan } from "./topology.ts";

/** Makes the network between the regions where there is none. */
export async function ensureWan(tools: RegionTools): Promise<WanHolder> {
  const holder = wanHolder() ?? (await startWan(tools));
  if ((await run(["ip", "address", "show", "dev", wan.hostLink])).stdout.includes(wan.hostIp))
    return holder;
  await must([
    join(scriptsFolder, "host-link.sh"),
    String(holder.pid),
    wan.hostLink,
    `${wan.hostIp}/${String(wan.prefixLength)}`,
  ]);
  return holder;
}

async function startWan(tools: RegionTools): Promise<WanHolder> {
  mkdirSync(regionsFolder, { recursive: true });
  const log = join(regionsFolder, "wan.log");
  const programs = toolNames.map((name) => `${name}=${realpathSync(tools[name])}`);
  const child = startDetached(log, [
    join(scriptsFolder, "enter-cgroup.sh"),
    wan.cgroup,
    "unshare",
    "--mount",
    "--net",
    "--propagation",
    "private",
    join(scriptsFolder, "wan.sh"),
    regionsFolder,
    scriptsFolder,
    ...programs,
  ]);
  for (let left = 100; left > 0; left -= 1) {
    const holder = wanHolder();
    if (holder !== undefined) return holder;
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  throw new Problem(
    `the network between the regions could not be made:\n${readFileSync(log, "utf8").trim()}`,
  );
}

/** Starts a process that outlives this one; its output goes to the file. */
export function startDetached(
  log: string,
  argv: readonly string[],
  environment: NodeJS.ProcessEnv = {},
) {
  const [command = "", ...args] = argv;
  const output = openSync(log, "a");
  const child = spawn(command, args, {
    detached: true,
    stdio: ["ignore", output, output],
    env: { ...process.env, ...environment },
  });
  child.unref();
  return child;
}

/** Cuts or heals a region's link. @throws when the network does not exist. */
export async function setLink(region: Topology, state: "up" | "down"): Promise<void> {
  await must(inWan(["ip", "link", "set", region.link, state]));
}

/** Whether packets can reach the region. */
export async function linkIsUp(region: Topology): Promise<boolean> {
  if (wanHolder() === undefined || foreignHolder() !== undefined) return false;
  const { stdout } = await run(inWan(["ip", "-brief", "link", "show", "dev", region.link]));
  return /<[^>]*\bUP\b/.test(stdout);
}

function inWan(argv: readonly string[]): string[] {
  const holder = wanHolder();
  if (holder === undefined || foreignHolder() !== undefined) throw new Problem("no region runs");
  return ["nsenter", "-t", String(holder.pid), "--mount", "--net", "--", ...argv];
}

/** Changes when any program changes: regions that run other programs must be restarted. */
export function toolsFingerprint(tools: RegionTools): string {
  const hash = createHash("sha256");
  for (const name of toolNames) {
    const path = tools[name];
    if (!existsSync(path))
      throw new Problem(`${name} is not at ${path}: install the toolchain first`);
    const { size, mtimeMs } = statSync(path);
    hash.update(`${name} ${realpathSync(path)} ${String(size)} ${String(mtimeMs)}\n`);
  }
  return hash.digest("hex");
}
