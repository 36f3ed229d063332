import { Problem } from "../problem.ts";
import { ctr, inRegion, regionInit } from "../regions/inside.ts";
import { type RegionKey, topology } from "../regions/topology.ts";

/**
 * Pulls the network cable of one pod: nothing reaches it and it reaches nothing, while it goes on inside.
 * @returns a function that plugs it in again
 * @throws Problem when the address belongs to no pod of the region
 */
export async function cutPod(key: RegionKey, podIp: string): Promise<() => Promise<void>> {
  const link = await linkOf(key, podIp);
  await must(key, ["ip", "link", "set", link, "down"]);
  return async () => {
    await must(key, ["ip", "link", "set", link, "up"]);
  };
}

/** Ends every process of a container at once, as the kernel does when memory is gone. */
export async function killContainer(key: RegionKey, containerId: string): Promise<void> {
  await must(key, ctr("task", "kill", "--all", "--signal", "SIGKILL", containerId));
}

/**
 * Ends every process of a region at once, as a power cut does; what it has on disk stays for the next boot.
 * @throws Problem when the region does not run
 */
export function killRegion(key: RegionKey): void {
  const init = regionInit(topology[key]);
  if (init === undefined) throw new Problem(`region ${topology[key].awsRegion} does not run`);
  process.kill(init, "SIGKILL");
}

/** The node's end of a pod's cable: the port of the bridge behind which the pod's hardware address lives. */
async function linkOf(key: RegionKey, podIp: string): Promise<string> {
  // An address that was silent for a while has to be asked for.
  await inRegion(topology[key], ["timeout", "1", "bash", "-c", `</dev/tcp/${podIp}/1`]);
  const neighbour = await must(key, ["ip", "-json", "neighbor", "show", podIp]);
  const [entry] = JSON.parse(neighbour) as { lladdr?: string }[];
  const ports = JSON.parse(await must(key, ["bridge", "-json", "fdb", "show", "br", "cni0"])) as {
    mac: string;
    ifname: string;
    state?: string;
  }[];
  const port = ports.find(({ mac, state }) => mac === entry?.lladdr && state !== "permanent");
  if (port === undefined)
    throw new Problem(`no pod of ${topology[key].awsRegion} has the address ${podIp}`);
  return port.ifname;
}

async function must(key: RegionKey, argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await inRegion(topology[key], argv);
  if (code !== 0) throw new Problem(`${argv.join(" ")}: ${stderr.trim()}`);
  return stdout;
}
