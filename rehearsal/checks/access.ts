import type {
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1Role,
  V1RoleBinding,
  V1ServiceAccount,
} from "@kubernetes/client-node";
import type { CheckResult } from "../report/evidence.ts";
import { check } from "./check.ts";
import { accepted, find, list, pathOf } from "./objects.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

/** The deployer is bound to a Role of its namespace, and that Role names each thing it may do. */
export function deployerRole(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const { namespace } = subject;
  const name = `${subject.product}-deployer`;
  return check(
    { name: "Deployer bound to a Role without wildcards", region: region.name },
    async () => {
      const account = await find<V1ServiceAccount>(
        region.cluster,
        "serviceaccounts",
        name,
        namespace,
      );
      const bindings = await list<V1RoleBinding>(region.cluster, "rolebindings", { namespace });
      const roles = await list<V1Role>(region.cluster, "roles", { namespace });
      const held = bindings
        .filter((it) =>
          it.subjects?.some((who) => who.kind === "ServiceAccount" && who.name === name),
        )
        .map((it) => it.roleRef);
      const bound = roles.filter((role) => held.some((ref) => refersTo(ref, role.metadata?.name)));
      const wild = bound.filter(hasWildcard);
      return {
        ok:
          account !== undefined &&
          held.length > 0 &&
          bound.length === held.length &&
          wild.length === 0,
        expected: `service account ${name}, bound only to Roles without "*"`,
        measured:
          `${account === undefined ? "no account" : "account"}, bound to ` +
          `${held.map((ref) => `${ref.kind} ${ref.name}`).join(", ") || "nothing"}, ` +
          `with "*": ${wild.length}`,
      };
    },
  );
}

function refersTo(ref: V1RoleBinding["roleRef"], role: string | undefined): boolean {
  return ref.kind === "Role" && ref.name === role;
}

function hasWildcard({ rules }: V1Role): boolean {
  return (rules ?? []).some((rule) =>
    [...(rule.verbs ?? []), ...(rule.resources ?? []), ...(rule.apiGroups ?? [])].includes("*"),
  );
}

/** Nothing of the program reaches beyond its namespace. */
export function noClusterAccess(
  region: RegionUnderTest,
  { namespace }: Subject,
): Promise<CheckResult> {
  return check({ name: "No cluster-wide rights", region: region.name }, async () => {
    const ours = { labels: { "app.kubernetes.io/managed-by": "lifeline" } };
    const roles = await list<V1ClusterRole>(region.cluster, "clusterroles", ours);
    const bindings = await list<V1ClusterRoleBinding>(region.cluster, "clusterrolebindings");
    const reaching = bindings.filter(
      ({ metadata, subjects }) =>
        metadata?.labels?.["app.kubernetes.io/managed-by"] === "lifeline" ||
        subjects?.some((who) => who.namespace === namespace),
    );
    return {
      ok: roles.length === 0 && reaching.length === 0,
      expected: "0 ClusterRoles, 0 ClusterRoleBindings",
      measured: `${roles.length} ClusterRoles, ${reaching.length} ClusterRoleBindings`,
      detail: [...roles, ...reaching].map((it) => it.metadata?.name).join(", "),
    };
  });
}

/** Asks the API server itself what the deployer may do. */
export function deployerReach(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const { namespace } = subject;
  const own = { verb: "patch", group: "apps", resource: "deployments", namespace, name: "backend" };
  const foreign: (Partial<typeof own> & Pick<typeof own, "verb" | "group" | "resource">)[] = [
    // It says which region writes.
    { verb: "patch", group: "", resource: "configmaps", namespace, name: "postgres-1-config" },
    { verb: "get", group: "", resource: "secrets", namespace: "kube-system" },
    { verb: "create", group: "", resource: "pods", namespace: "default" },
    { verb: "create", group: "rbac.authorization.k8s.io", resource: "clusterroles" },
  ];
  return check(
    { name: "Deployer reaches what a release changes only", region: region.name },
    async () => {
      const inside = await allowed(region, subject, own);
      const outside = await Promise.all(foreign.map((action) => allowed(region, subject, action)));
      const said = (may: boolean | undefined) => (may === true ? "allowed" : "refused");
      const describe = (it: (typeof foreign)[number], may: boolean | undefined) =>
        `${[it.verb, it.resource, ...(it.name === undefined ? [] : [it.name])].join(" ")} in ${it.namespace ?? "the cluster"}: ${said(may)}`;
      return {
        ok: inside && !outside.includes(true),
        expected: [describe(own, true), ...foreign.map((it) => describe(it, false))].join("; "),
        measured: [describe(own, inside), ...foreign.map((it, i) => describe(it, outside[i]))].join(
          "; ",
        ),
      };
    },
  );
}

async function allowed(
  { cluster }: RegionUnderTest,
  { namespace, product }: Subject,
  resourceAttributes: Record<string, string>,
): Promise<boolean> {
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user: `system:serviceaccount:${namespace}:${product}-deployer`, resourceAttributes },
  };
  const answer = await cluster.request("POST", pathOf("subjectaccessreviews"), review);
  const { status } = accepted(answer, "review access") as { status: { allowed: boolean } };
  return status.allowed;
}
