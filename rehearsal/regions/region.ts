import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { destroyCgroup, processName } from "./cgroups.ts";
import { Problem } from "../problem.ts";
import {
  cniConfig,
  containerdConfig,
  hostsFile,
  kubeProxyConfig,
  kubeletConfig,
} from "./config.ts";
import { daemonPlan } from "./daemons.ts";
import { foldersOf, scriptsFolder } from "./folders.ts";
import { cniFolder } from "./host.ts";
import { regionInit } from "./inside.ts";
import { type S3Principals, writeWhole } from "./s3-access.ts";
import { usersFile } from "./s3-grants.ts";
import { type Topology, podGateway, wan } from "./topology.ts";
import { startDetached } from "./wan.ts";

/** Starts and ends the processes of one region. */

/** A region's first process has this long to stop everything; then it is killed. */
const stopSeconds = 30;

export interface RegionSettings {
  readonly pauseImage: string;
  readonly s3: S3Principals;
  /** Changes when any program changes. */
  readonly tools: string;
}

/** The S3 server's accounts, in the settings' folder; it reads them anew for each request. */
export const s3UsersFile = "s3/users.json";

/** Files of a region's settings, by their name in its etc folder. */
function settingsFiles(
  region: Topology,
  settings: RegionSettings,
): Readonly<Record<string, string>> {
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  return {
    "kubelet.json": json(kubeletConfig(region)),
    "kube-proxy.json": json(kubeProxyConfig(region)),
    "cni/10-pods.conflist": json(cniConfig(region)),
    "containerd.toml": containerdConfig(settings.pauseImage),
    "daemons.json": json(daemonPlan(region, settings.s3.administrator)),
    [s3UsersFile]: usersFile(region.key, settings.s3),
    hosts: hostsFile(region),
    // Empty: there is no name server but the region's own, and the node itself needs none.
    "resolv.conf": "",
  };
}

/** Changes when a region would run something else than it does: programs, settings, or the way it is set up. */
function fingerprint(region: Topology, settings: RegionSettings): string {
  const hash = createHash("sha256")
    .update(settings.tools)
    .update(JSON.stringify(settingsFiles(region, settings)));
  for (const script of globSync("*.sh", { cwd: scriptsFolder }).sort())
    hash.update(readFileSync(join(scriptsFolder, script)));
  return hash.digest("hex");
}

const fingerprintFile = (region: Topology): string => join(foldersOf(region).root, "fingerprint");

/** Whether the region runs, and would be started just so again. */
export function isUpToDate(region: Topology, settings: RegionSettings): boolean {
  const file = fingerprintFile(region);
  return (
    regionInit(region) !== undefined &&
    existsSync(file) &&
    readFileSync(file, "utf8") === fingerprint(region, settings)
  );
}

/**
 * Starts a region that does not run. What a dead one left behind goes first.
 * @param holder process that holds the network which the region joins.
 * @returns once its first process is there, long before it is ready.
 */
export async function startRegion(
  region: Topology,
  settings: RegionSettings,
  holder: number,
): Promise<void> {
  await destroyCgroup(region.cgroup);
  const folders = foldersOf(region);
  for (const name of ["etcd", "kubelet", "volumes", "s3"])
    mkdirSync(join(folders.state, name), { recursive: true });
  mkdirSync(join(folders.log, "pods"), { recursive: true });
  for (const [name, content] of Object.entries(settingsFiles(region, settings))) {
    // Some hold the keys of S3 accounts; what pods see of them is mounted with rights of its own.
    writeWhole(join(folders.etc, name), content, name.endsWith(".json") ? 0o600 : 0o644);
  }
  writeWhole(fingerprintFile(region), fingerprint(region, settings), 0o644);

  const own = ["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child=SIGKILL"];
  const enterCgroup = join(scriptsFolder, "enter-cgroup.sh");
  const child = startDetached(
    join(folders.log, "init.log"),
    [
      // The region's root is its own cgroup, which must be empty of processes to share its controllers out in version 2:
      // also of the one that waits for the first process, outside of the region.
      ...[enterCgroup, region.cgroup, "unshare", "--cgroup"],
      ...[enterCgroup, `${region.cgroup}/daemons`],
      ...["nsenter", "-t", String(holder), "--mount", "--"],
      ...["unshare", ...own, "--propagation", "private", "/run/lifeline/scripts/region-init.sh"],
    ],
    {
      REGION_KEY: region.key,
      REGION_NODE: region.nodeName,
      REGION_LINK: region.link,
      REGION_ADDRESS: `${region.ip}/${String(wan.prefixLength)}`,
      REGION_POD_GATEWAY: `${podGateway(region)}/24`,
      REGION_SERVICE_CIDR: region.serviceCidr,
      REGION_CNI_PLUGINS: cniFolder(),
    },
  );
  while (regionInit(region) === undefined) {
    if (child.exitCode !== null) {
      throw new Problem(`region ${region.awsRegion} cannot start: ${lastWords(region, "init")}`);
    }
    await sleep(20);
  }
}

/**
 * Ends a region's processes and removes its cgroups.
 * @param gracefully lets pods, then the API server, then etcd finish first: what is kept on disk stays consistent.
 */
export async function endRegion(region: Topology, gracefully: boolean): Promise<void> {
  const init = regionInit(region);
  // Before the agent there is a script that makes the region: it knows no signal, and nothing needs an orderly end yet.
  if (gracefully && init !== undefined && processName(init) === "region-agent") {
    process.kill(init, "SIGTERM");
    for (let left = stopSeconds * 10; left > 0 && regionInit(region) === init; left -= 1)
      await sleep(100);
  }
  await destroyCgroup(region.cgroup);
}

/** Forgets everything a region has stored. */
export function wipeRegion(region: Topology): void {
  rmSync(foldersOf(region).root, { recursive: true, force: true });
}

/** The last words of a region's daemons, for the reader of a failed boot. */
export function lastWords(region: Topology, daemon: string, lines = 5): string {
  try {
    const text = readFileSync(join(foldersOf(region).log, `${daemon}.log`), "utf8");
    return text.trim().split("\n").slice(-lines).join("\n");
  } catch {
    return "";
  }
}
