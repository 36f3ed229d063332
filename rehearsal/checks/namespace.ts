import type {
  V1LimitRange,
  V1Namespace,
  V1NetworkPolicy,
  V1ResourceQuota,
  V1Secret,
} from "@kubernetes/client-node";
import type { CheckResult } from "../report/evidence.ts";
import { check, skipped } from "./check.ts";
import { find, get, list } from "./objects.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

const modes = ["enforce", "audit", "warn"] as const;

/** Pods that break the restricted Pod Security Standard are refused in the namespace. */
export function podSecurity(region: RegionUnderTest, { namespace }: Subject): Promise<CheckResult> {
  return check({ name: "Namespace enforces restricted pods", region: region.name }, async () => {
    const { metadata } = await get<V1Namespace>(region.cluster, "namespaces", namespace);
    const levels = modes.map(
      (mode) => `${mode}=${metadata?.labels?.[`pod-security.kubernetes.io/${mode}`] ?? "none"}`,
    );
    return {
      ok: levels.includes("enforce=restricted"),
      expected: "enforce=restricted",
      measured: levels.join(", "),
    };
  });
}

/** Neither the namespace nor a single pod can take more than it was given. */
export function limits(region: RegionUnderTest, { namespace }: Subject): Promise<CheckResult> {
  return check({ name: "Quota and limit range in place", region: region.name }, async () => {
    const quotas = await list<V1ResourceQuota>(region.cluster, "resourcequotas", { namespace });
    const ranges = await list<V1LimitRange>(region.cluster, "limitranges", { namespace });
    const limited = quotas.flatMap((it) => Object.keys(it.spec?.hard ?? {}));
    const bounded = ranges.flatMap((it) => it.spec?.limits.map((limit) => limit.type) ?? []);
    return {
      ok: limited.includes("limits.memory") && bounded.includes("Container"),
      expected: "a quota over limits.memory, a limit range over containers",
      measured: `quota over ${limited.join(", ") || "nothing"}; range over ${bounded.join(", ") || "nothing"}`,
    };
  });
}

/** All traffic is denied unless one of at least five named policies allows it. */
export function networkPolicies(
  region: RegionUnderTest,
  { namespace }: Subject,
): Promise<CheckResult> {
  return check(
    { name: "Default deny and named network policies", region: region.name },
    async () => {
      const policies = await list<V1NetworkPolicy>(region.cluster, "networkpolicies", {
        namespace,
      });
      const denying = policies.filter(deniesAll);
      const allowing = policies.filter((policy) => !deniesAll(policy));
      return {
        ok: denying.length >= 1 && allowing.length >= 5,
        expected: "default deny of ingress and egress, at least 5 named policies",
        measured: `default deny: ${denying.length > 0 ? "yes" : "no"}, named: ${allowing.length}`,
        detail: allowing.map((policy) => policy.metadata?.name).join(", "),
      };
    },
  );
}

function deniesAll({ spec }: V1NetworkPolicy): boolean {
  const selector = spec?.podSelector;
  return (
    selector !== undefined &&
    Object.keys(selector.matchLabels ?? {}).length === 0 &&
    (selector.matchExpressions ?? []).length === 0 &&
    (spec?.policyTypes ?? []).toSorted().join() === "Egress,Ingress" &&
    (spec?.ingress ?? []).length === 0 &&
    (spec?.egress ?? []).length === 0
  );
}

/** Each secret exists with its keys, none of them empty. Values are never reported. */
export function secrets(region: RegionUnderTest, subject: Subject): Promise<CheckResult[]> {
  const registry = { name: "Secret registry-pull-secret", region: region.name };
  return Promise.all([
    secretKeys(region, subject, "postgres-secret", "POSTGRES_PASSWORD"),
    secretKeys(region, subject, "app-secret", "JWT_SECRET"),
    subject.registryCredentials
      ? secretKeys(region, subject, "registry-pull-secret", ".dockerconfigjson")
      : skipped(registry, "Images are pulled without credentials, so there is no such secret."),
  ]);
}

function secretKeys(
  region: RegionUnderTest,
  { namespace }: Subject,
  name: string,
  key: string,
): Promise<CheckResult> {
  return check({ name: `Secret ${name}`, region: region.name }, async () => {
    const secret = await find<V1Secret>(region.cluster, "secrets", name, namespace);
    const filled = Object.entries(secret?.data ?? {}).filter(([, value]) => value !== "");
    const keys = filled.map(([it]) => it);
    return {
      ok: keys.includes(key),
      expected: `a value for ${key}`,
      measured:
        secret === undefined ? "no such secret" : `values for ${keys.join(", ") || "no key"}`,
    };
  });
}
