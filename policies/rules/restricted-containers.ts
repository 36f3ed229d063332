import type { ResourceValidationPolicy } from "@pulumi/policy";
import type { Container } from "../lib/pods.ts";
import { visitContainers } from "../lib/pods.ts";
import { at, visitEach } from "../lib/read.ts";
import { explain } from "../lib/violation.ts";

interface Requirement {
  readonly field: string;
  readonly allows: (value: unknown) => boolean;
  readonly must: string;
  /** The pod's own security context answers for containers that are silent. */
  readonly inherited?: boolean;
}

const isAbsent = (value: unknown) => value === undefined || value === null;

const requirements: readonly Requirement[] = [
  {
    field: "allowPrivilegeEscalation",
    allows: (value) => value === false,
    must: "be false",
  },
  {
    field: "privileged",
    allows: (value) => isAbsent(value) || value === false,
    must: "be false or left out",
  },
  {
    field: "readOnlyRootFilesystem",
    allows: (value) => value === true,
    must: "be true",
  },
  {
    field: "procMount",
    allows: (value) => isAbsent(value) || value === "Default",
    must: "be left out",
  },
  {
    field: "runAsNonRoot",
    allows: (value) => value === true,
    must: "be true, here or on the pod",
    inherited: true,
  },
  {
    field: "runAsUser",
    allows: (value) => value !== 0,
    must: "not be root",
    inherited: true,
  },
  {
    field: "seccompProfile",
    allows: (value) => ["RuntimeDefault", "Localhost"].includes(at(value, "type") as string),
    must: "be of type RuntimeDefault or Localhost, here or on the pod",
    inherited: true,
  },
  {
    field: "appArmorProfile",
    allows: (value) =>
      isAbsent(value) || ["RuntimeDefault", "Localhost"].includes(at(value, "type") as string),
    must: "be left out, or of type RuntimeDefault or Localhost",
    inherited: true,
  },
  {
    field: "seLinuxOptions",
    allows: isAbsent,
    must: "be left out",
    inherited: true,
  },
  {
    field: "windowsOptions",
    allows: isAbsent,
    must: "be left out",
    inherited: true,
  },
];

const probes = ["livenessProbe", "readinessProbe", "startupProbe"];
const hooks = ["lifecycle.postStart", "lifecycle.preStop"];

/** Handlers of probes and hooks: a host makes the node's own kubelet call an address of choice. */
const handlers = [...probes, ...hooks].flatMap((handler) => [
  `${handler}.httpGet.host`,
  `${handler}.tcpSocket.host`,
]);

/** Pod Security Standard "restricted" for containers, and a read-only root file system. */
export const restrictedContainers: ResourceValidationPolicy = {
  name: "restricted-containers",
  displayName: "Containers hold no privilege",
  description:
    "Every container, init containers included, keeps to the Pod Security Standard restricted " +
    "and to a read-only root file system.",
  severity: "critical",
  remediationSteps:
    "Use the shared security context of the components; mount what must be written.",
  validateResource: (args, report) => {
    visitContainers(args, (container) => {
      for (const violation of [
        ...securityContextViolations(container),
        ...capabilityViolations(container),
        ...hostViolations(container),
      ]) {
        report(violation);
      }
    });
  },
};

function securityContextViolations({ pod, spec, where }: Container): string[] {
  return requirements.flatMap(({ field, allows, must, inherited }) => {
    const own = at(spec, "securityContext", field);
    const value = inherited && isAbsent(own) ? at(pod.spec, "securityContext", field) : own;
    if (allows(value)) return [];
    return explain({
      where,
      field: `securityContext.${field}`,
      value,
      must,
      fix: "Correct it in the component that declares the container.",
    });
  });
}

function capabilityViolations({ spec, where }: Container): string[] {
  const capabilities = at(spec, "securityContext", "capabilities");
  const drop = at(capabilities, "drop");
  const violations: string[] = [];
  if (!Array.isArray(drop) || !drop.includes("ALL")) {
    violations.push(
      explain({
        where,
        field: "securityContext.capabilities.drop",
        value: drop,
        must: 'hold "ALL"',
        fix: 'Write drop: ["ALL"].',
      }),
    );
  }
  visitEach(at(capabilities, "add"), (capability) => {
    if (capability === "NET_BIND_SERVICE") return;
    violations.push(
      explain({
        where,
        field: "securityContext.capabilities.add",
        value: capability,
        must: "hold nothing but NET_BIND_SERVICE",
        fix: "Remove the capability.",
      }),
    );
  });
  return violations;
}

function hostViolations({ spec, where }: Container): string[] {
  const violations: string[] = [];
  visitEach(at(spec, "ports"), (port, index) => {
    const hostPort = at(port, "hostPort");
    if (isAbsent(hostPort) || hostPort === 0) return;
    violations.push(
      explain({
        where,
        field: `ports[${index}].hostPort`,
        value: hostPort,
        must: "be left out",
        fix: "Reach the pod through a Service.",
      }),
    );
  });
  for (const field of handlers) {
    const host = at(spec, ...field.split("."));
    if (isAbsent(host) || host === "") continue;
    violations.push(
      explain({
        where,
        field,
        value: host,
        must: "be left out",
        fix: "Probes and hooks call the pod itself; remove the host.",
      }),
    );
  }
  return violations;
}
