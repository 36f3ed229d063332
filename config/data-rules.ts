import { bytes } from "../components/lib/quantity.ts";
import { printable, type Problem } from "./problems.ts";
import type { Backups, Generation, Peering, Postgres, Region, Secrets } from "./schema.ts";

type Source = NonNullable<Generation["from"]>;

const targets = ["time", "point", "latest"] as const;

/** Each generation but the first begins with a restore, and each restore says of what. */
export function generationsFollow({ generations }: Postgres): Problem[] {
  return generations.flatMap((generation, index) => {
    const field = `lifeline:postgres.generations[${String(index)}].from`;
    const { from } = generation;
    if (index === 0) return from === undefined ? [] : [firstIsEmpty(field, from)];
    if (from === undefined) return [saysNothing(field)];
    return [
      ...oneTarget(field, from),
      ...earlierGeneration(field, from, index),
      ...largeEnough(generations, index),
    ];
  });
}

function firstIsEmpty(field: string, from: Source): Problem {
  return {
    field,
    value: printable(from),
    allowed: "nothing: the first generation begins empty",
    fix: "add a second entry to generations and say there what it is restored from",
  };
}

function saysNothing(field: string): Problem {
  return {
    field,
    value: printable(undefined),
    allowed:
      "from with one of time, point and latest: every generation after the first is a restore",
    fix: "add the missing key; such as from: { latest: true }",
  };
}

function oneTarget(field: string, from: Source): Problem[] {
  if (targets.filter((target) => from[target] !== undefined).length === 1) return [];
  return [
    {
      field,
      value: printable(from),
      allowed: `exactly one of ${targets.join(", ")}`,
      fix: "say up to where: a time, a restore point, or all that was archived",
    },
  ];
}

function earlierGeneration(field: string, from: Source, index: number): Problem[] {
  if (from.generation === undefined || from.generation <= index) return [];
  return [
    {
      field: `${field}.generation`,
      value: printable(from.generation),
      allowed: `the number of a generation before this one: 1 to ${String(index)}`,
      fix: "leave it out for the one before, or name an earlier one",
    },
  ];
}

function largeEnough(generations: readonly Generation[], index: number): Problem[] {
  const { storage = "", from } = generations[index] ?? {};
  const source = generations[(from?.generation ?? index) - 1];
  if (source === undefined || (bytes(storage) ?? 0) >= (bytes(source.storage) ?? 0)) return [];
  return [
    {
      field: `lifeline:postgres.generations[${String(index)}].storage`,
      value: printable(storage),
      allowed: `at least that of the generation it is restored from, which is ${source.storage}`,
      fix: "give it as much, or more",
    },
  ];
}

export function restoresFromKnownRegions(
  { generations }: Postgres,
  regions: readonly Region[],
): Problem[] {
  const names = regions.map(({ name }) => name);
  return generations.flatMap(({ from }, index) => {
    if (from?.region === undefined || names.includes(from.region)) return [];
    return [
      {
        field: `lifeline:postgres.generations[${String(index)}].from.region`,
        value: printable(from.region),
        allowed: `the name of one of lifeline:regions: ${names.join(" or ")}`,
        fix: "name one of the two, or leave it out for the active region's own archive",
      },
    ];
  });
}

/** Ports of the nodes are one space; each of two load balancers has its own address. */
export function entrancesDiffer(peering: Peering, regions: readonly Region[]): Problem[] {
  if (peering.kind === "nodePort") {
    const { postgres, api, backup } = peering.ports;
    if (new Set([postgres, api, backup]).size === 3) return [];
    return [
      {
        field: "lifeline:peering.ports",
        value: printable(peering.ports),
        allowed: "three different ports",
        fix: "choose another port for each of postgres, api and backup",
      },
    ];
  }
  return regions.flatMap(({ peer }, index) => {
    if (peer.apiHost !== undefined && peer.apiHost !== peer.host) return [];
    return [
      {
        field: `lifeline:regions[${String(index)}].peer.apiHost`,
        value: printable(peer.apiHost),
        allowed: "a name of its own while lifeline:peering.kind is loadBalancer",
        fix: "name the load balancer in front of Patroni's API: it asks any member, the other one asks the leader",
      },
    ];
  });
}

/** Both archives are reachable in the way that the stack says. */
export function archivesReachable(
  { access, storageCa }: Backups,
  regions: readonly Region[],
  secrets: Secrets,
): Problem[] {
  if (access.kind === "keys") return secrets.mode === "external" ? [keysInPulumi(access)] : [];
  const names = regions.map(({ name }) => name);
  const given = Object.keys(access.roleArns);
  const field = "lifeline:backups.access.roleArns";
  const problems: Problem[] = [];
  if (given.length !== 2 || !names.every((name) => given.includes(name))) {
    problems.push({
      field,
      value: printable(access.roleArns),
      allowed: `an entry for each of lifeline:regions: ${names.join(" and ")}`,
      fix: "name the roles of both regions, and of no other",
    });
  }
  if (storageCa !== undefined && regions.every(({ archive }) => archive === undefined)) {
    problems.push({
      field: "lifeline:backups.storageCa",
      value: printable(storageCa),
      allowed: "nothing while both archives are S3 of AWS, which every machine trusts",
      fix: "remove it, or name regions[].archive.endpoint",
    });
  }
  return problems;
}

function keysInPulumi({ kind }: { kind: "keys" }): Problem {
  return {
    field: "lifeline:backups.access.kind",
    value: printable(kind),
    allowed: '"webIdentity" while lifeline:secrets.mode is "external"',
    fix: "let roles reach the buckets: a stack that keeps its secrets in AWS needs no keys for AWS",
  };
}
