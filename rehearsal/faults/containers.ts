import type { V1Pod } from "@kubernetes/client-node";
import { Problem } from "../problem.ts";
import { ctr, inRegion } from "../regions/inside.ts";
import type { Topology } from "../regions/topology.ts";
import { mustInside } from "./fault.ts";

/** The runtime's name of a pod's running container. @throws when it does not run */
export function containerId(pod: V1Pod, container: string): string {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === container);
  const id = status?.containerID?.replace("containerd://", "");
  if (id === undefined || status?.state?.running === undefined)
    throw new Problem(`${pod.metadata?.name ?? "pod"}: container ${container} does not run`);
  return id;
}

/**
 * Kills the processes of a container whose command line matches, and nothing else in it.
 * @returns how many there were
 */
export async function killProcesses(
  region: Topology,
  id: string,
  commandLine: RegExp,
): Promise<number> {
  let killed = 0;
  for (const { pid, command } of await processesOf(region, id)) {
    if (!commandLine.test(command)) continue;
    // It may have ended by itself meanwhile.
    const { code } = await inRegion(region, ["kill", "-KILL", pid]);
    if (code === 0) killed += 1;
  }
  return killed;
}

interface Process {
  /** By the region's number. */
  readonly pid: string;
  readonly command: string;
}

async function processesOf(region: Topology, id: string): Promise<Process[]> {
  const [, ...lines] = (await mustInside(region, ctr("task", "ps", id))).trim().split("\n");
  const pids = lines.map((line) => line.trim().split(/\s+/)[0] ?? "");
  const script =
    'for pid; do echo "$pid $(tr "\\\\0" " " <"/proc/$pid/cmdline" 2>/dev/null)"; done';
  const { stdout } = await inRegion(region, ["bash", "-c", script, "processes", ...pids]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [pid = "", ...words] = line.split(" ");
      return { pid, command: words.join(" ") };
    });
}
