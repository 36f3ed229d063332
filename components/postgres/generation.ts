import { selector } from "../lib/labels.ts";

/** Where the data of a generation comes from. */
export interface Origin {
  /** Region whose archive is read. */
  readonly region: string;
  readonly generation: number;
  readonly target:
    { readonly time: string } | { readonly point: string } | { readonly latest: true };
}

/** One life of the data: a StatefulSet, a Patroni scope and a folder in the bucket of its own. */
export interface Generation {
  /** From 1. */
  readonly number: number;
  /** Size of each member's volume. */
  readonly storage: string;
  /** What it begins with; empty without it. */
  readonly from?: Origin;
}

/** Patroni's name of the cluster; the region is not part of it, so that both regions agree about slots and paths. */
export const scopeOf = (generation: number): string => `postgres-${String(generation)}`;

/** Member names must differ between regions: they name the standbys that a commit waits for. */
export const statefulSetOf = (generation: number, region: string): string =>
  `${scopeOf(generation)}-${region}`;

/** By which Patroni finds its objects. */
export const scopeLabel = "postgres-cluster";
/** Written by Patroni: who leads, whether it writes or follows the other region. */
export const roleLabel = "postgres-role";
export const leaderRole = "leader";

/** Labels of a generation's members. */
export const clusterLabels = (generation: number): Record<string, string> => ({
  ...selector("database"),
  [scopeLabel]: scopeOf(generation),
});

export const membersService = "postgres-members";

/** Host name of a member, which its certificate carries. */
export const memberHost = (member: string, namespace: string): string =>
  `${member}.${membersService}.${namespace}.svc`;
