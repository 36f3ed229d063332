import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../problem.ts";
import { kubectl } from "./equipment.ts";
import { inside } from "./folders.ts";
import { inRegion, regionInit, run } from "./inside.ts";
import { s3Access } from "./s3-access.ts";
import { s3Request } from "./s3-client.ts";
import type { Topology } from "./topology.ts";

/**
 * Live answers only: after a boot the API still says of the node and of every pod what was true before it.
 */

const intervalMs = 200;

/** No waiting helps: what a probe asks is gone. */
export class GoneProblem extends Problem {}

/** Waits until a probe holds. A probe that throws does not hold, unless nothing can make it hold any more. @throws a Problem that names what did not come. */
export async function until(
  what: string,
  seconds: number,
  probe: () => Promise<boolean>,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  let reason = "";
  for (;;) {
    signal?.throwIfAborted();
    try {
      if (await probe()) return;
    } catch (error) {
      if (error instanceof GoneProblem) throw error;
      reason = `: ${(error as Error).message}`;
    }
    if (performance.now() > deadline)
      throw new Problem(`${what} did not come within ${String(seconds)} s${reason}`);
    await sleep(intervalMs);
  }
}

/** The region's processes are there, its API server among them. */
export async function apiServerAnswers(tool: string, region: Topology): Promise<boolean> {
  if (regionInit(region) === undefined)
    throw new GoneProblem(`region ${region.awsRegion} has ended`);
  const { code, stdout } = await run(
    kubectl(tool, region, "get", "--raw=/readyz", "--request-timeout=2s"),
  );
  return code === 0 && stdout === "ok";
}

/** The node is ready and has said so since a time. */
export async function nodeIsReady(tool: string, region: Topology, since: Date): Promise<boolean> {
  const path = '{range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{end}';
  const get = ["get", "node", region.nodeName, `--output=jsonpath=${path}`, "--request-timeout=2s"];
  const { code, stdout } = await run(kubectl(tool, region, ...get));
  if (code !== 0) return false;
  const [status, heartbeat = ""] = stdout.split(" ");
  // Heartbeats carry whole seconds.
  return status === "True" && Date.parse(heartbeat) >= Math.floor(since.getTime() / 1000) * 1000;
}

/** The region's name server answers a question from inside, with the right address. */
export async function dnsAnswers(region: Topology): Promise<boolean> {
  const question = ["resolve", "--server", region.dnsIp, "kubernetes.default.svc.cluster.local."];
  const { code, stdout } = await inRegion(region, [`${inside.tools}/region-agent`, ...question]);
  return code === 0 && stdout.trim() === region.apiServiceIp;
}

/** The region's S3 server accepts a signed request. */
export async function s3Answers(region: Topology): Promise<boolean> {
  return (await s3Request(s3Access(region.key), { method: "GET", path: "/" })).status === 200;
}

/** The gateway controller answers plain HTTP at the region's address; 404 while no route is declared. */
export function gatewayAnswers(region: Topology): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ host: region.ip, port: 80, agent: false, timeout: 1000 }, (response) => {
      response.resume();
      resolve(true);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => {
      resolve(false);
    });
    call.end();
  });
}
