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

/**
 * By whom members follow and rewind. Each generation has its own, as they all share one entrance for the other region: a
 * member of an earlier one must never take the next one's history for its own.
 */
export const nodeUsers = (generation: number) => ({
  replication: `replicator_${String(generation)}`,
  rewind: `rewinder_${String(generation)}`,
});

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

/** Those of all members that a generation has in a region. */
export const memberHosts = (
  generation: number,
  region: string,
  replicas: number,
  namespace: string,
): string[] =>
  Array.from({ length: replicas }, (_, ordinal) =>
    memberHost(`${statefulSetOf(generation, region)}-${String(ordinal)}`, namespace),
  );
