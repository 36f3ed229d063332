import { isIPv4 } from "node:net";
import type { Topology } from "../regions/topology.ts";
import { type Chain, type Fault, packetRules } from "./fault.ts";

/** On every way that packets take, before other rules have their say, and after addresses of Services were translated. */
const everywhere = (...rules: string[]): Chain[] =>
  (["forward", "input", "output"] as const).map((hook) => ({
    hook,
    type: "filter",
    priority: -10,
    rules,
  }));

/**
 * Cuts a pod off: nothing reaches it and nothing leaves it, also on connections that are open. It goes on inside, and the
 * kubelet can still run commands in it. The address is the pod's for as long as it lives.
 */
export function cutPod(region: Topology, podIp: string): Promise<Fault> {
  if (!isIPv4(podIp)) throw new TypeError(`podIp must be an IPv4 address, got "${podIp}"`);
  return packetRules(region, everywhere(`ip saddr ${podIp} drop`, `ip daddr ${podIp} drop`));
}

/** Drops what pods of the region send to an address and port outside, and what comes back; the rest of the region goes on. */
export function cutWayTo(region: Topology, ip: string, port: number): Promise<Fault> {
  return packetRules(
    region,
    everywhere(
      `ip daddr ${ip} tcp dport ${String(port)} drop`,
      `ip saddr ${ip} tcp sport ${String(port)} drop`,
    ),
  );
}
