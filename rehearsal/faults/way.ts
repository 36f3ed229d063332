import type { Topology } from "../regions/topology.ts";
import { type Fault, packetRules } from "./fault.ts";

/** Drops what a region sends to one address and port, and what comes back; everything else goes on. */
export function cutWayTo(region: Topology, ip: string, port: number): Promise<Fault> {
  const rules = [
    `ip daddr ${ip} tcp dport ${String(port)} drop`,
    `ip saddr ${ip} tcp sport ${String(port)} drop`,
  ];
  // Every way that packets take, after addresses of Services were translated.
  const hooks = ["forward", "input", "output"] as const;
  return packetRules(
    region,
    hooks.map((hook) => ({ hook, type: "filter", priority: -10, rules })),
  );
}
