import { readFileSync } from "node:fs";
import { join } from "node:path";
import { engineFolder } from "../../../rehearsal/paths.ts";
import { type RegionKey, topology } from "../../../rehearsal/regions/topology.ts";
import { namespace } from "./two-databases.ts";

interface DeclaredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface Resource {
  readonly type: string;
  readonly provider?: string;
  readonly outputs?: unknown;
}

/** Objects of the product's namespace in one region, sorted, as "Kind.group/name". */
export type Objects = readonly string[];

/** What is not as the engine's state says it is. */
export interface Differences {
  readonly missing: Objects;
  /** There and declared nowhere, beside what stays on purpose. */
  readonly stray: Objects;
  /** Most ended predecessors that one of the gates' Jobs has: they stay for their logs. */
  readonly predecessors: number;
}

/** Compares what the program declared in a region with what its cluster has. */
export function differences(
  key: RegionKey,
  kubectl: (args: readonly string[]) => string,
): Differences {
  const declared = declaredObjects(key);
  const present = presentObjects(kubectl, declared);
  const works = new Set(declared.filter((object) => object.startsWith("Job.")).map(workOf));
  const more = present.filter((object) => !declared.includes(object) && !stays.test(object));
  const before = more.filter((object) => works.has(workOf(object)));
  const counts = Map.groupBy(before, workOf).values();
  return {
    missing: declared.filter((object) => !present.includes(object)),
    stray: more.filter((object) => !before.includes(object) && !isOfTurn(object)),
    predecessors: Math.max(0, ...[...counts].map(({ length }) => length)),
  };
}

/** What earlier generations of the data were made by, and versions of a secret that a kept release may ask for again. */
const stays =
  /^(Job\.batch|ConfigMap)\/postgres-\d+-(first-backup|lost-rows|restore-gate)-|^Secret\/app-secret/;

/** The gates of a turn in which the region wrote, where it does not write now. */
const isOfTurn = (object: string): boolean => /^Job\.batch\/(writable|db-migration)-/.test(object);

/** What a Job does, whatever its content. */
const workOf = (object: string): string => object.replace(/(-[0-9a-f]{8,10})+$/, "");

function declaredObjects(key: RegionKey): Objects {
  const file = join(engineFolder, "state", ".pulumi", "stacks", "lifeline", "local.json");
  const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as {
    checkpoint: { latest: { resources: Resource[] } };
  };
  return checkpoint.latest.resources
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .filter(({ provider }) => provider?.includes(topology[key].awsRegion))
    .map(({ outputs }) => outputs as DeclaredObject)
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(inWords)
    .sort();
}

/** What the region has of those kinds that carries the product's label and belongs to no other object. */
function presentObjects(kubectl: (args: readonly string[]) => string, declared: Objects): Objects {
  const kinds = new Set(declared.map((object) => object.split("/")[0]));
  const label = "app.kubernetes.io/managed-by=lifeline";
  const listing = kubectl([
    "get",
    [...kinds].join(","),
    "-n",
    namespace,
    "-l",
    label,
    "-o",
    "json",
  ]);
  const { items } = JSON.parse(listing) as {
    items: (DeclaredObject & { metadata: { ownerReferences?: object[] } })[];
  };
  return items
    .filter(({ metadata }) => metadata.ownerReferences === undefined)
    .map(inWords)
    .sort();
}

function inWords({ apiVersion, kind, metadata }: DeclaredObject): string {
  const group = apiVersion.includes("/") ? `.${apiVersion.split("/")[0]!}` : "";
  return `${kind}${group}/${metadata.name}`;
}
