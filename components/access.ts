import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import type { rbac as rbacInputs } from "@pulumi/kubernetes/types/input.js";
import * as pulumi from "@pulumi/pulumi";

import type { Scope, Workload } from "./lib/labels.ts";
import { metadata, workloads } from "./lib/labels.ts";
import { releaseRecordObject } from "./lib/release-record-type.ts";

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
 * Lets a deployer bring out a release, go back to one, and nothing else; and gives each workload an identity without a
 * token. Defines the deployer's ServiceAccount, Role and RoleBinding, and one ServiceAccount per workload.
 *
 * The deployer is for the pipeline: its kubeconfig holds a token of this account (`kubectl create token`) under the same
 * context name. It changes what a change of `lifeline:release` changes. Everything else, from the first go-live over the
 * database and the network to the namespace and this Role, takes an administrator's kubeconfig.
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
/** For what a release may name anew, and leaves behind. */
const add = [...look, "patch", "create"];
/** For what each release names anew: the successor is created, the predecessor deleted. */
const replace = [...add, "delete"];

/** Exactly what a change of the release touches, and what its progress is read from. */
function deployerRules(secrets: AccessArgs["secrets"]): rbacInputs.v1.PolicyRule[] {
  return [
    // Beside it lie the database's own, with which region writes.
    rule("", ["configmaps"], ["get", "watch", "patch"], [releaseRecordObject]),
    rule("", ["events", "persistentvolumeclaims", "pods"], look),
    // The last lines of what crashed.
    rule("", ["pods/log"], ["get"]),
    rule("apps", ["deployments", "replicasets"], look),
    rule("apps", ["deployments"], ["patch"], ["backend", "frontend"]),
    rule("batch", ["jobs"], replace),
    // The token key, when the release pins its version.
    secrets === "generated"
      ? rule("", ["secrets"], add)
      : rule("external-secrets.io", ["externalsecrets"], add),
  ];
}

/** @param names of the objects; all there are, without */
function rule(
  group: string,
  resources: string[],
  verbs: string[],
  names?: string[],
): rbacInputs.v1.PolicyRule {
  return {
    apiGroups: [group],
    resources,
    verbs,
    ...(names !== undefined && { resourceNames: names }),
  };
}
