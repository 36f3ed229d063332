import { formatPath, isAtOrBelow, planReplacing } from "../../rehearsal/providers/difference.ts";
import { differences, type Difference } from "../../rehearsal/providers/difference.ts";
import { genericRule, ruleOf } from "../../rehearsal/providers/aws/types.ts";
import { toObject } from "../../rehearsal/providers/kubernetes/conversion.ts";
import { groupKind, idOf } from "../../rehearsal/providers/kubernetes/object.ts";
import { planReplacement } from "../../rehearsal/providers/kubernetes/replacement.ts";
import type { PropertyMap } from "../../rehearsal/providers/properties.ts";
import type { DeclaredResource } from "../../rehearsal/graph.ts";
import { isKubernetesObject, isProvider, type GraphView } from "../../rehearsal/graph-view.ts";
import { placeOf, placesOf } from "./place.ts";

export type Rule =
  | "deletes state"
  | "replaces state"
  | "replaces a provider"
  | "job collision"
  | "missing alias"
  | "unknown package"
  | "schema window"
  | "released file"
  | "older provider"
  | "does not render";

/** Something that keeps a change from being taken back. */
export interface Finding {
  readonly rule: Rule;
  /** Name of the resource in the program, or of the file. */
  readonly subject: string;
  readonly reason: string;
  readonly fix: string;
}

/** Types whose objects hold what cannot be made again; whatever else is protected counts as well. */
const stateful = [
  "kubernetes:core/v1:Namespace",
  "kubernetes:core/v1:PersistentVolume",
  "kubernetes:core/v1:PersistentVolumeClaim",
  "kubernetes:apps/v1:StatefulSet",
  "aws:s3/bucket:Bucket",
  "aws:kms/key:Key",
  "aws:route53/zone:Zone",
  "random:index/randomPassword:RandomPassword",
];

const jobType = "kubernetes:batch/v1:Job";

/** Everything that would go wrong if, with all that `newer` declares in place, `older` were run: the way back. */
export function wayBack(newer: GraphView, older: GraphView): Finding[] {
  const olderByPlace = new Map(
    older.resources.flatMap((resource) =>
      placesOf(older, resource).map((place) => [place, resource] as const),
    ),
  );
  const matched = newer.resources.map((resource) => ({
    resource,
    then: olderByPlace.get(placeOf(newer, resource)),
  }));
  return [
    ...matched.flatMap(({ resource, then }) =>
      then === undefined ? removal(newer, older, resource) : replacement(newer, resource, then),
    ),
    ...jobCollisions(newer, older, olderByPlace),
    ...unknownPackages(newer, older),
  ];
}

function removal(newer: GraphView, older: GraphView, resource: DeclaredResource): Finding[] {
  if (!resource.custom) return [];
  const twin = isKubernetesObject(resource)
    ? older.resources.find(
        (it) => isKubernetesObject(it) && identityOf(older, it) === identityOf(newer, resource),
      )
    : undefined;
  if (twin !== undefined) {
    return [
      {
        rule: "missing alias",
        subject: resource.name,
        reason: `the earlier program calls the same object ${twin.name}: it would take the object over and then delete it under its new name`,
        fix: `keep the name and the parent; or first bring out a program in which ${twin.name} has an alias for this one`,
      },
    ];
  }
  if (!holdsState(resource)) return [];
  return [
    {
      rule: "deletes state",
      subject: resource.name,
      reason: `the earlier program does not declare it: ${resource.options.protect ? "its run stops at the protection" : "its run deletes it"}`,
      fix: "bring out a program that declares it and does not use it yet, before the one that does",
    },
  ];
}

function replacement(newer: GraphView, now: DeclaredResource, then: DeclaredResource): Finding[] {
  if (!now.custom) return [];
  const replaces = replacing(newer, now, then);
  if (replaces.length === 0) return [];
  const fields = replaces.map(({ path }) => formatPath(path)).join(", ");
  if (isProvider(now)) {
    return [
      {
        rule: "replaces a provider",
        subject: now.name,
        reason: `${fields} is different in the earlier program: everything made through this provider would be replaced`,
        fix: `keep ${fields} as it was`,
      },
    ];
  }
  if (!holdsState(now)) return [];
  return [
    {
      rule: "replaces state",
      subject: now.name,
      reason: `${fields} is different in the earlier program, and an existing object cannot take it over: going back replaces it`,
      fix: `keep ${fields} as it was; what has to change needs a resource of its own beside it, such as a new data generation`,
    },
  ];
}

/** Going back means: from what is there now to what the earlier program declares. */
function replacing(
  graph: GraphView,
  now: DeclaredResource,
  then: DeclaredResource,
): readonly Difference[] {
  const [from, to] = [now.inputs, then.inputs] as [PropertyMap, PropertyMap];
  const found = differences(from, to);
  const always = found.filter(({ path }) =>
    [...now.options.replaceOnChanges, ...then.options.replaceOnChanges].some((option) =>
      isAtOrBelow(path, option.split(".")),
    ),
  );
  if (isProvider(now)) {
    const { replaces = [] } = planReplacing(found, ["clusterIdentifier"]);
    return replaces;
  }
  if (isKubernetesObject(now)) {
    const provider = graph.providerOf(now)?.inputs ?? {};
    const { replaces = [] } = planReplacement(found, toObject(from), toObject(to), {
      enableConfigMapMutable: isTrue(provider["enableConfigMapMutable"]),
      enableSecretMutable: isTrue(provider["enableSecretMutable"]),
    });
    return [...replaces, ...always];
  }
  if (now.type.startsWith("random:")) return found;
  if (!now.type.startsWith("aws:")) return always;
  const { replaces = [] } = planReplacing(found, [
    ...(ruleOf(now.type) ?? genericRule(now.type)).replacing,
    // AWS provider 7: a resource does not move to another region.
    "region",
  ]);
  return [...replaces, ...always];
}

/** The API changes no Job: the name has to tell two contents apart. */
function jobCollisions(
  newer: GraphView,
  older: GraphView,
  olderByPlace: ReadonlyMap<string, DeclaredResource>,
): Finding[] {
  const jobs = (graph: GraphView) => graph.resources.filter(({ type }) => type === jobType);
  return jobs(newer).flatMap((job) => {
    const same = jobs(older).find((it) => identityOf(older, it) === identityOf(newer, job));
    if (same === undefined) return [];
    const isSamePlace = olderByPlace.get(placeOf(newer, job)) === same;
    if (isSamePlace && replacing(newer, job, same).length === 0) return [];
    return [
      {
        rule: "job collision",
        subject: job.name,
        reason: `the earlier program declares a Job of the same name, ${objectOf(job)}, with another content, and a Job cannot be changed`,
        fix: "name the Job by its content (components/lib/one-shot-job.ts)",
      },
    ];
  });
}

/** Deleting a resource needs the plugin that made it. */
function unknownPackages(newer: GraphView, older: GraphView): Finding[] {
  const packagesOf = (graph: GraphView) =>
    new Set(graph.resources.filter(({ custom }) => custom).map(packageOf));
  const known = packagesOf(older);
  return [...packagesOf(newer)]
    .filter((name) => !known.has(name))
    .map((name) => ({
      rule: "unknown package",
      subject: name,
      reason: `the earlier program declares nothing of the package ${name}: on a machine prepared for it the plugin that deletes these resources is absent`,
      fix: `bring out a program that installs @pulumi/${name} and declares nothing of it yet, before the one that does`,
    }));
}

function packageOf({ type }: DeclaredResource): string {
  const [first = "", , name = ""] = type.split(":");
  return first === "pulumi" && type.startsWith("pulumi:providers:") ? name : first;
}

function holdsState({ type, options }: DeclaredResource): boolean {
  return options.protect || stateful.includes(type);
}

/** The object itself, whatever the program calls it. */
function identityOf(graph: GraphView, resource: DeclaredResource): string {
  return `${graph.providerOf(resource)?.name ?? ""} ${objectOf(resource)}`;
}

function objectOf({ inputs }: DeclaredResource): string {
  const object = toObject(inputs as PropertyMap);
  return `${groupKind(object)} ${idOf(object)}`;
}

const isTrue = (value: unknown): boolean => value === true || value === "true";
