import type { ResourceValidationPolicy } from "@pulumi/policy";
import { kindOf } from "../lib/kinds.ts";
import { at, keysOf, visitEach } from "../lib/read.ts";
import { explain } from "../lib/violation.ts";

export const oneEntrance: ResourceValidationPolicy = {
  name: "one-entrance",
  displayName: "The gateway is the only entrance",
  description: "No Service opens a port of a node or a load balancer of its own.",
  severity: "high",
  remediationSteps: "Route to the Service with an HTTPRoute of the gateway.",
  validateResource: (args, report) => {
    if (kindOf(args.type) !== "Service") return;
    const where = `service ${args.name}`;
    const fix = "Route to it through the gateway.";
    const type = at(args.props, "spec", "type");
    if (type !== undefined && type !== "ClusterIP") {
      report(explain({ where, field: "spec.type", value: type, must: 'be "ClusterIP"', fix }));
    }
    const externalIPs = at(args.props, "spec", "externalIPs");
    if (keysOf(externalIPs).length === 0) return;
    report(
      explain({ where, field: "spec.externalIPs", value: externalIPs, must: "be left out", fix }),
    );
  },
};

const directions = [
  { rules: "ingress", peers: "from" },
  { rules: "egress", peers: "to" },
] as const;

export const networkEdgesNamed: ResourceValidationPolicy = {
  name: "network-edges-named",
  displayName: "Every network edge is named",
  description: "A NetworkPolicy allows named peers on stated ports, never everybody.",
  severity: "critical",
  remediationSteps: "State policyTypes, the peers by label, and the ports of each rule.",
  validateResource: (args, report) => {
    if (kindOf(args.type) !== "NetworkPolicy") return;
    const where = `network policy ${args.name}`;
    const policyTypes = at(args.props, "spec", "policyTypes");
    if (keysOf(policyTypes).length === 0) {
      report(
        explain({
          where,
          field: "spec.policyTypes",
          value: policyTypes,
          must: "be stated",
          fix: "List Ingress, Egress, or both.",
        }),
      );
    }
    for (const { rules, peers } of directions) {
      visitEach(at(args.props, "spec", rules), (rule, index) => {
        const path = `spec.${rules}[${index}]`;
        for (const field of [peers, "ports"]) {
          if (keysOf(at(rule, field)).length > 0) continue;
          report(
            explain({
              where,
              field: `${path}.${field}`,
              value: at(rule, field),
              must: "be stated: left out, it allows all",
              fix: "Name each one.",
            }),
          );
        }
        visitEach(at(rule, peers), (peer, position) => {
          if (namesSomebody(peer)) return;
          report(
            explain({
              where,
              field: `${path}.${peers}[${position}]`,
              value: peer,
              must: "select by label or by a network smaller than the whole",
              fix: "Name the peer: labels of its pods, and of its namespace when it is another one.",
            }),
          );
        });
      });
    }
  },
};

const labelSelectors = ["namespaceSelector", "podSelector"];

function namesSomebody(peer: unknown): boolean {
  const cidr = at(peer, "ipBlock", "cidr");
  if (cidr !== undefined) return typeof cidr === "string" && !/\/0+$/.test(cidr);
  const stated = labelSelectors.map((name) => at(peer, name)).filter((one) => one !== undefined);
  return stated.length > 0 && stated.every(selectsByLabel);
}

function selectsByLabel(selector: unknown): boolean {
  return ["matchLabels", "matchExpressions"].some((by) => keysOf(at(selector, by)).length > 0);
}
