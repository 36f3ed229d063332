import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import type { rbac as rbacInputs } from "@pulumi/kubernetes/types/input.js";
import * as pulumi from "@pulumi/pulumi";

import type { Scope, Workload } from "./lib/labels.ts";
import { metadata, workloads } from "./lib/labels.ts";

export interface AccessArgs {
  readonly scope: Scope;
  /** Who writes the Secrets: this program, or the External Secrets operator from what this program declares. */
  readonly secrets: "generated" | "external";
  /** Secret with registry credentials that every workload pulls its images with. */
  readonly pullSecret?: string;
  /** IAM roles that workloads reach AWS with. */
  readonly roleArns?: Partial<Readonly<Record<Workload, string>>>;
}

/**
 * Lets a deployer release inside the namespace and nothing else, and gives each workload an identity without a token.
 * Defines the deployer's ServiceAccount, Role and RoleBinding, and one ServiceAccount per workload. The namespace, its
 * quota and this Role itself stay with the cluster's administrator.
 */
export class Access extends pulumi.ComponentResource {
  constructor(name: string, args: AccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:access:Access", name, args, opts);
    const { scope, pullSecret } = args;
    const parent = { parent: this };

    const deployer = metadata(scope, "access", `${scope.product}-deployer`);
    const account = new ServiceAccount(
      `${name}-deployer`,
      { metadata: deployer, automountServiceAccountToken: false },
      parent,
    );
    const role = new Role(
      `${name}-deployer`,
      { metadata: deployer, rules: deployerRules(args.secrets) },
      parent,
    );
    new RoleBinding(
      `${name}-deployer`,
      {
        metadata: deployer,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: deployer.name },
        subjects: [{ kind: "ServiceAccount", name: deployer.name, namespace: scope.namespace }],
      },
      { parent: this, dependsOn: [account, role] },
    );

    for (const workload of workloads) {
      new ServiceAccount(
        `${name}-${workload}`,
        {
          metadata: {
            ...metadata(scope, workload, workload),
            ...withRole(args.roleArns?.[workload]),
          },
          automountServiceAccountToken: false,
          ...(pullSecret !== undefined && { imagePullSecrets: [{ name: pullSecret }] }),
        },
        parent,
      );
    }
    this.registerOutputs({});
  }
}

function withRole(arn: string | undefined) {
  return arn === undefined ? {} : { annotations: { "eks.amazonaws.com/role-arn": arn } };
}

const look = ["get", "list", "watch"];
/** Server-side apply creates by `create` and changes by `patch`. */
const write = [...look, "create", "patch"];
const manage = [...write, "delete"];

/** Exactly what a release touches; what is protected from deletion can not be deleted by the deployer either. */
function deployerRules(secrets: AccessArgs["secrets"]): rbacInputs.v1.PolicyRule[] {
  return [
    rule("", ["configmaps", "serviceaccounts", "services"], manage),
    // Readiness of what a release starts is read from these.
    rule("", ["events", "persistentvolumeclaims", "pods"], look),
    rule("apps", ["replicasets"], look),
    rule("discovery.k8s.io", ["endpointslices"], look),
    rule("apps", ["deployments"], manage),
    rule("apps", ["statefulsets"], write),
    rule("autoscaling", ["horizontalpodautoscalers"], manage),
    rule("batch", ["cronjobs", "jobs"], manage),
    rule("cert-manager.io", ["certificates", "issuers"], manage),
    rule("gateway.networking.k8s.io", ["gateways", "httproutes"], manage),
    rule("monitoring.coreos.com", ["prometheusrules", "servicemonitors"], manage),
    rule("networking.k8s.io", ["networkpolicies"], manage),
    rule("policy", ["poddisruptionbudgets"], manage),
    secrets === "generated"
      ? rule("", ["secrets"], manage)
      : rule("external-secrets.io", ["externalsecrets", "secretstores"], manage),
  ];
}

function rule(group: string, resources: string[], verbs: string[]): rbacInputs.v1.PolicyRule {
  return { apiGroups: [group], resources, verbs };
}
