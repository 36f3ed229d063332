import { bytes } from "../components/lib/quantity.ts";
import { amount, busiest, containers, type Amount } from "./capacity.ts";
import {
  archivesReachable,
  entrancesDiffer,
  generationsFollow,
  restoresFromKnownRegions,
} from "./data-rules.ts";
import { printable, type Problem } from "./problems.ts";
import type { Compute, Region, Resources, Settings, Workload } from "./schema.ts";
import { closest } from "./suggest.ts";

const gibibyte = 2 ** 30;

type Rule = (valid: Partial<Settings>) => Problem[];

/** A rule between settings; it waits until each of those that it needs is valid by itself. */
function rule<Needs extends keyof Settings>(
  needs: readonly Needs[],
  broken: (settings: Pick<Settings, Needs>) => Problem[],
): Rule {
  return (valid) =>
    needs.every((key) => valid[key] !== undefined) ? broken(valid as Pick<Settings, Needs>) : [];
}

const rules: readonly Rule[] = [
  rule(["regions"], ({ regions }) => [
    ...regionsDiffer(regions, "name", "name the AWS region of the other cluster"),
    ...regionsDiffer(regions, "kubeContext", "name the context of the other cluster"),
  ]),
  rule(["activeRegion", "regions"], activeRegionExists),
  rule(["backend"], ({ backend }) => replicasInOrder("backend", backend)),
  rule(["frontend"], ({ frontend }) => replicasInOrder("frontend", frontend)),
  requestsWithinLimits,
  containersWithinMaximum,
  rule(
    ["backend", "frontend", "migration", "smoke", "postgres", "backups", "quota"],
    everythingFitsIntoQuota,
  ),
  rule(["postgres"], ({ postgres }) => generationsFollow(postgres)),
  rule(["postgres", "regions"], ({ postgres, regions }) =>
    restoresFromKnownRegions(postgres, regions),
  ),
  rule(["peering", "regions"], ({ peering, regions }) => entrancesDiffer(peering, regions)),
  rule(["backups", "regions", "secrets"], ({ backups, regions, secrets }) =>
    archivesReachable(backups, regions, secrets),
  ),
  rule(["host", "dns"], hostWithinZone),
];

/** Every broken rule among the settings in `valid`, which need not be complete. */
export function brokenRules(valid: Partial<Settings>): Problem[] {
  return rules.flatMap((broken) => broken(valid));
}

function regionsDiffer(
  [first, second]: readonly [Region, Region],
  key: "name" | "kubeContext",
  fix: string,
): Problem[] {
  if (first[key] !== second[key]) return [];
  return [
    {
      field: `lifeline:regions[1].${key}`,
      value: printable(second[key]),
      allowed: `another ${key} than that of lifeline:regions[0]`,
      fix,
    },
  ];
}

function activeRegionExists({
  activeRegion,
  regions,
}: Pick<Settings, "activeRegion" | "regions">): Problem[] {
  const names = regions.map(({ name }) => name);
  if (names.includes(activeRegion)) return [];
  const meant = closest(activeRegion, names);
  return [
    {
      field: "lifeline:activeRegion",
      value: printable(activeRegion),
      allowed: `the name of one of lifeline:regions: ${names.join(" or ")}`,
      fix: meant === undefined ? "name one of the two" : `did you mean "${meant}"?`,
    },
  ];
}

/** The zone's own name holds the records of the zone itself, beside which DNS allows no CNAME. */
function hostWithinZone({ host, dns }: Pick<Settings, "host" | "dns">): Problem[] {
  if (host.endsWith(`.${dns.zoneName}`)) return [];
  const isApex = host === dns.zoneName;
  return [
    {
      field: "lifeline:host",
      value: printable(host),
      allowed: `a name within the zone lifeline:dns.zoneName, such as www.${dns.zoneName}${isApex ? ": not its apex, where no CNAME can be" : ""}`,
      fix: isApex
        ? "choose a name below the zone, and redirect the zone's own name to it elsewhere"
        : "correct the host, or name the zone that it is in under lifeline:dns",
    },
  ];
}

function replicasInOrder(part: string, { minReplicas, maxReplicas }: Workload): Problem[] {
  if (minReplicas <= maxReplicas) return [];
  return [
    {
      field: `lifeline:${part}.minReplicas`,
      value: printable(minReplicas),
      allowed: `at most lifeline:${part}.maxReplicas, which is ${String(maxReplicas)}`,
      fix: "lower minReplicas or raise maxReplicas",
    },
  ];
}

function requestsWithinLimits(valid: Partial<Settings>): Problem[] {
  const bounded: [string, Resources][] = containers(valid).map(({ field, resources }) => [
    field,
    resources,
  ]);
  if (valid.quota !== undefined) bounded.push(["quota", valid.quota]);
  if (valid.limits !== undefined) bounded.push(["limits.default", valid.limits.default]);
  return bounded.flatMap(([field, { requests, limits }]) =>
    exceeded(requests, limits).map((unit) => ({
      field: `lifeline:${field}.requests.${unit}`,
      value: printable(requests[unit]),
      allowed: `at most lifeline:${field}.limits.${unit}, which is ${limits[unit]}`,
      fix: "lower the request or raise the limit",
    })),
  );
}

/** The limit range refuses every pod with a larger container, at run time and without a word here. */
function containersWithinMaximum(valid: Partial<Settings>): Problem[] {
  if (valid.limits === undefined) return [];
  const { max, default: unsaid } = valid.limits;
  const all = [...containers(valid), { field: "limits.default", resources: unsaid }];
  return all.flatMap(({ field, resources: { limits } }) =>
    exceeded(limits, max).map((unit) => ({
      field: `lifeline:${field}.limits.${unit}`,
      value: printable(limits[unit]),
      allowed: `at most lifeline:limits.max.${unit}, which is ${max[unit]}`,
      fix: "lower the limit or raise lifeline:limits.max",
    })),
  );
}

function everythingFitsIntoQuota(
  settings: Pick<
    Settings,
    "backend" | "frontend" | "migration" | "smoke" | "postgres" | "backups" | "quota"
  >,
): Problem[] {
  const { quota } = settings;
  const needed = busiest(settings);
  const short = (field: string, value: string | number, need: string): Problem => ({
    field: `lifeline:quota.${field}`,
    value: printable(value),
    allowed: `at least ${need}: every part at maxReplicas, changing release while old pods still end, with its migration and smoke test`,
    fix: "raise the quota or lower what the parts may use",
  });
  const compute = (["requests", "limits"] as const).flatMap((side) => {
    const given = amount(quota[side]);
    return (["cpu", "memory"] as const)
      .filter((unit) => needed[side][unit] > given[unit])
      .map((unit) => short(`${side}.${unit}`, quota[side][unit], written(needed[side], unit)));
  });
  const pods = needed.pods > quota.pods ? [short("pods", quota.pods, String(needed.pods))] : [];
  const storage =
    needed.storage > (bytes(quota.storage) ?? NaN)
      ? [
          {
            ...short("storage", quota.storage, `${String(needed.storage / gibibyte)}Gi`),
            allowed: `at least ${String(needed.storage / gibibyte)}Gi: the volumes of every member of every generation, and one more for the restore proof`,
          },
        ]
      : [];
  return [...compute, ...pods, ...storage];
}

/** The units in which `compute` is more than `bound`. */
function exceeded(compute: Compute, bound: Compute): (keyof Compute)[] {
  const [has, may] = [amount(compute), amount(bound)];
  return (["cpu", "memory"] as const).filter((unit) => has[unit] > may[unit]);
}

function written(needed: Amount, unit: keyof Amount): string {
  return unit === "cpu"
    ? `${String(needed.cpu)}m`
    : `${String(Math.ceil(needed.memory / 2 ** 20))}Mi`;
}
