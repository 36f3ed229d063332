import { Problem } from "../problem.ts";
import { ctr, inRegion } from "../regions/inside.ts";
import type { Topology } from "../regions/topology.ts";
import { mustInside } from "./fault.ts";

/**
 * The runtime's name of a pod's running container. The runtime itself is asked: what the API server knows is seconds late.
 * @throws Problem when it does not run
 */
export async function containerId(
  region: Topology,
  pod: string,
  container: string,
): Promise<string> {
  const labels = { "pod.name": pod, "container.name": container };
  const filter = Object.entries(labels).map(
    ([label, value]) => `labels."io.kubernetes.${label}"==${value}`,
  );
  // Containers that have ended are kept for their logs.
  const known = await mustInside(region, ctr("container", "list", "--quiet", filter.join(",")));
  const running = new Set(
    (await mustInside(region, ctr("task", "list")))
      .split("\n")
      .flatMap((line) => /^(\S+) +\d+ +RUNNING$/.exec(line.trim())?.[1] ?? []),
  );
  const id = known.split("\n").find((one) => running.has(one));
  if (id === undefined) throw new Problem(`${pod}: container ${container} does not run`);
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
