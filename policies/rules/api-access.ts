import type { ResourceValidationPolicy } from "@pulumi/policy";
import { kindOf } from "../lib/kinds.ts";
import { podOf, type Pod } from "../lib/pods.ts";
import { at, visitEach } from "../lib/read.ts";
import { explain, type Violation } from "../lib/violation.ts";

const fix = "Grant what is needed, by name, in a Role of the namespace.";

export const noClusterRights: ResourceValidationPolicy = {
  name: "no-cluster-rights",
  displayName: "Nobody gets rights on a whole cluster",
  description: "No ClusterRole, no ClusterRoleBinding, and no binding to a role of the cluster.",
  severity: "critical",
  remediationSteps: fix,
  validateResource: (args, report) => {
    const kind = kindOf(args.type) ?? "";
    const where = `${kind} ${args.name}`;
    if (kind === "ClusterRole" || kind === "ClusterRoleBinding") {
      report(explain({ where, field: "kind", value: kind, must: "be namespaced", fix }));
    }
    if (kind !== "RoleBinding") return;
    const value = at(args.props, "roleRef", "kind");
    if (value !== "Role") {
      report(explain({ where, field: "roleRef.kind", value, must: 'be "Role"', fix }));
    }
    visitEach(at(args.props, "subjects"), (subject, index) => {
      const somebody = at(subject, "name");
      if (!["Group", "User"].includes(String(at(subject, "kind")))) return;
      if (typeof somebody === "string" && !somebody.startsWith("system:")) return;
      report(
        explain({
          where,
          field: `subjects[${index}].name`,
          value: somebody,
          must: "name people or a group of them, not what is built into the cluster",
          fix: "Bind the service account or the people themselves.",
        }),
      );
    });
  },
};

const roleLists = ["apiGroups", "resources", "verbs"];

/** Verbs that hand out more than the role itself holds. */
const wideningVerbs = new Set(["*", "bind", "escalate", "impersonate"]);

export const narrowRoles: ResourceValidationPolicy = {
  name: "narrow-roles",
  displayName: "Roles name what they allow",
  description: "No wildcard and no verb in a Role that lets its holder gain further rights.",
  severity: "critical",
  remediationSteps: "List the API groups, resources and verbs that are used.",
  validateResource: (args, report) => {
    if (!["Role", "ClusterRole"].includes(kindOf(args.type) ?? "")) return;
    visitEach(at(args.props, "rules"), (rule, index) => {
      for (const list of roleLists) {
        const refused = list === "verbs" ? wideningVerbs : new Set(["*"]);
        visitEach(at(rule, list), (value) => {
          const isWide = typeof value === "string" && (refused.has(value) || value.endsWith("/*"));
          if (!isWide) return;
          report(
            explain({
              where: `role ${args.name} (rules[${index}])`,
              field: list,
              value,
              must: "list what is used, without wildcards, bind, escalate or impersonate",
              fix: "Replace the entry by the names in use.",
            }),
          );
        });
      }
    });
  },
};

/** Patroni keeps its state in the API: the one container that talks to it, and the service account it does that as. */
const tokenHolder = { serviceAccount: "database", container: "postgres" };

/** Who takes a token in the API's stead: the cloud, which gives a role of its own for it. */
const cloudAudiences: readonly unknown[] = ["sts.amazonaws.com", "pods.eks.amazonaws.com"];

/** A token that is asked for as a volume is one too, wherever it is mounted. */
function strayTokens({ path, spec }: Pod): Violation[] {
  const tokens = new Set<unknown>();
  visitEach(at(spec, "volumes"), (volume) => {
    visitEach(at(volume, "projected", "sources"), (source) => {
      const token = at(source, "serviceAccountToken");
      // The API has audiences of its own that are named by nobody here.
      if (token !== undefined && !cloudAudiences.includes(at(token, "audience")))
        tokens.add(at(volume, "name"));
    });
  });
  const violations: Violation[] = [];
  for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
    visitEach(at(spec, list), (container, index) => {
      const isHolder =
        list === "containers" &&
        at(container, "name") === tokenHolder.container &&
        at(spec, "serviceAccountName") === tokenHolder.serviceAccount;
      visitEach(at(container, "volumeMounts"), (mount, position) => {
        if (isHolder || !tokens.has(at(mount, "name"))) return;
        violations.push({
          where: `container ${JSON.stringify(at(container, "name"))} (${path}.${list}[${index}])`,
          field: `volumeMounts[${position}]`,
          value: at(mount, "name"),
          must: `not be a token of the API: only the container ${tokenHolder.container} of ${tokenHolder.serviceAccount} has one`,
          fix: "Leave the mount out.",
        });
      });
    });
  }
  return violations;
}

export const noApiTokens: ResourceValidationPolicy = {
  name: "no-api-tokens",
  displayName: "Pods hold no API token",
  description:
    "No pod mounts a token of the Kubernetes API, but for Patroni's container; no token lives in a Secret.",
  severity: "high",
  remediationSteps: "Set automountServiceAccountToken: false.",
  validateResource: (args, report) => {
    const field = "automountServiceAccountToken";
    const pod = podOf(args);
    const holder = kindOf(args.type) === "ServiceAccount" ? { path: "", spec: args.props } : pod;
    if (holder !== undefined && at(holder.spec, field) !== false) {
      report(
        explain({
          where: pod ? `pod (${pod.path})` : `service account ${args.name}`,
          field,
          value: at(holder.spec, field),
          must: "be false",
          fix: `Write ${field}: false.`,
        }),
      );
    }
    if (pod !== undefined) for (const violation of strayTokens(pod)) report(explain(violation));
    const secretType = kindOf(args.type) === "Secret" ? at(args.props, "type") : undefined;
    if (secretType !== "kubernetes.io/service-account-token") return;
    report(
      explain({
        where: `secret ${args.name}`,
        field: "type",
        value: secretType,
        must: "not be a token without an end",
        fix: "Request a token with an end: kubectl create token.",
      }),
    );
  },
};
