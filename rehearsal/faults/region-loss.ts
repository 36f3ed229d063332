import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../problem.ts";
import { processesIn } from "../regions/cgroups.ts";
import { regionInit } from "../regions/inside.ts";
import type { Topology } from "../regions/topology.ts";

/** Longest that a killed region may take to be gone. */
const patienceMs = 15_000;

/**
 * Kills every process of a region at once, pods, API server and S3 among them, as a power cut does. What is on its disks
 * stays: the next `prepareGround` boots it again.
 */
export async function killRegion(region: Topology): Promise<void> {
  const init = regionInit(region);
  if (init === undefined) throw new Problem(`region ${region.awsRegion} does not run`);
  // The first process of its namespace: the kernel takes all others with it.
  process.kill(init, "SIGKILL");
  const deadline = performance.now() + patienceMs;
  while (processesIn(region.cgroup).length > 0) {
    if (performance.now() > deadline)
      throw new Problem(
        `region ${region.awsRegion} did not die: ${String(processesIn(region.cgroup))}`,
      );
    await sleep(50);
  }
}
