import type { ResourceValidationPolicy } from "@pulumi/policy";
import { kindOf } from "../lib/kinds.ts";
import { at, keysOf, visitEach } from "../lib/read.ts";
import { explain } from "../lib/violation.ts";

/** What a Service outside of the gateway must state, so that only networks that are named get through to its pods. */
const narrowings: Readonly<Record<string, readonly Narrowing[]>> = {
  LoadBalancer: [
    {
      field: "loadBalancerSourceRanges",
      isNarrow: (value) =>
        keysOf(value).length > 0 && keysOf(value).every((key) => isPart(at(value, key))),
      must: "name the networks that may connect, none of them the whole",
    },
    keepsAddress(),
  ],
  NodePort: [keepsAddress()],
};

interface Narrowing {
  readonly field: string;
  readonly isNarrow: (value: unknown) => boolean;
  readonly must: string;
}

function keepsAddress(): Narrowing {
  return {
    field: "externalTrafficPolicy",
    isNarrow: (value) => value === "Local",
    must: 'be "Local": network policies must see who connects',
  };
}

export const oneEntrance: ResourceValidationPolicy = {
  name: "one-entrance",
  displayName: "The gateway is the only entrance for everybody",
  description:
    "A Service that opens a port of nodes or a load balancer of its own, as the other region's " +
    "database needs it, lets named networks in and nobody else.",
  severity: "high",
  remediationSteps:
    "Route to the Service with an HTTPRoute of the gateway, or name who may connect.",
  validateResource: (args, report) => {
    if (kindOf(args.type) !== "Service") return;
    const where = `service ${args.name}`;
    const fix = "Route to it through the gateway.";
    const type = at(args.props, "spec", "type") ?? "ClusterIP";
    const required = typeof type === "string" ? narrowings[type] : undefined;
    for (const { field, isNarrow, must } of required ?? []) {
      const value = at(args.props, "spec", field);
      if (isNarrow(value)) continue;
      report(explain({ where, field: `spec.${field}`, value, must, fix: `State it. ${fix}` }));
    }
    if (type !== "ClusterIP" && required === undefined) {
      const must = "be ClusterIP, LoadBalancer or NodePort";
      report(explain({ where, field: "spec.type", value: type, must, fix }));
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
  description:
    "A NetworkPolicy allows named peers on stated ports. Only a named workload may reach out to " +
    "any address, over TCP.",
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
          if (namesSomebody(peer) || mayGoAnywhere(args.props, rules, rule, peer)) return;
          report(
            explain({
              where,
              field: `${path}.${peers}[${position}]`,
              value: peer,
              must:
                "select by label or by a network smaller than the whole; only pods chosen by label " +
                "may go anywhere, by single TCP ports",
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
  if (cidr !== undefined) return isPart(cidr);
  const stated = labelSelectors.map((name) => at(peer, name)).filter((one) => one !== undefined);
  return stated.length > 0 && stated.every(selectsByLabel);
}

/** A network as somebody owns one, and not a large share of an address family: two halves are the whole again. */
function isPart(cidr: unknown): boolean {
  if (typeof cidr !== "string") return false;
  const length = Number(/\/(\d+)$/.exec(cidr)?.[1]);
  return length >= (cidr.includes(":") ? shortestPrefix.v6 : shortestPrefix.v4);
}

/** Of the largest private networks: 10.0.0.0/8 and fc00::/7. */
const shortestPrefix = { v4: 8, v6: 7 };

/**
 * S3 and, in many clusters, the API server have no address that a policy could name. So whoever talks to them may go
 * anywhere by their ports; all pods together, a range of ports, or a way in never.
 */
function mayGoAnywhere(props: unknown, direction: string, rule: unknown, peer: unknown): boolean {
  const ports = at(rule, "ports");
  return (
    direction === "egress" &&
    at(peer, "ipBlock", "cidr") !== undefined &&
    selectsByLabel(at(props, "spec", "podSelector")) &&
    keysOf(ports).every((key) => isSingleTcpPort(at(ports, key)))
  );
}

function isSingleTcpPort(port: unknown): boolean {
  return (
    at(port, "protocol") === "TCP" &&
    typeof at(port, "port") === "number" &&
    at(port, "endPort") === undefined
  );
}

function selectsByLabel(selector: unknown): boolean {
  return ["matchLabels", "matchExpressions"].some((by) => keysOf(at(selector, by)).length > 0);
}
