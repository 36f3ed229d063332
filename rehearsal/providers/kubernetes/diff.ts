import { isDeepStrictEqual } from "node:util";
import { differences, valueAt, type Difference, type Path, type Plan } from "../difference.ts";
import { hasComputed, reveal, type PropertyMap } from "../properties.ts";
import type { DiffRequest } from "../stand-in.ts";
import { UnknownKind, type Cluster } from "./cluster.ts";
import { toObject } from "./conversion.ts";
import { ApiError, Unreachable } from "../../../diagnosis/api.ts";
import { annotation, groupKind, type KubernetesObject } from "./object.ts";
import { planReplacement, type Mutability } from "./replacement.ts";

/**
 * What the new inputs change. Only spelled differently ("1000m" and "1") is no change: the API
 * server itself is asked, by a dry run, where it can be reached and everything is known.
 */
export async function plan(
  { oldInputs, oldOutputs, news }: DiffRequest,
  cluster: Cluster | undefined,
  mutability: Mutability,
): Promise<Plan> {
  const found = differences(oldInputs, news);
  const [old, now] = [toObject(oldInputs), toObject(news)];
  const replacement = planReplacement(found, old, now, mutability);
  if (isUnready(now, reveal(oldOutputs))) return replaceUnready(replacement);
  if (found.length === 0 || replacement.replaces?.length || hasComputed(news)) return replacement;
  if (cluster === undefined) return replacement;
  return { differences: await realDifferences(found, now, cluster) };
}

async function realDifferences(
  found: readonly Difference[],
  now: KubernetesObject,
  cluster: Cluster,
): Promise<readonly Difference[]> {
  try {
    const { apiVersion, kind, metadata } = now;
    const [live, predicted] = await Promise.all([
      cluster.get({ apiVersion, kind, namespace: metadata.namespace, name: metadata.name ?? "" }),
      cluster.apply(now, true),
    ]);
    if (live === undefined) return found;
    return found.filter(({ path, kind }) => {
      const place = comparable(path);
      const before = valueAt(live, place);
      if (kind === "delete" && place.length === path.length) return before !== undefined;
      const after = valueAt(predicted, place);
      // What the API does not give back cannot be compared.
      return after === undefined || !isDeepStrictEqual(before, after) || kind === "delete";
    });
  } catch (error) {
    // A refused dry run is told by the update, not by the diff.
    if (error instanceof ApiError || error instanceof UnknownKind) return found;
    if (error instanceof Unreachable) return found;
    throw error;
  }
}

/** The server may add to a list or reorder it, so lists are compared as a whole. */
function comparable(path: Path): Path {
  const index = path.findIndex((step) => typeof step === "number");
  return index === -1 ? path : path.slice(0, index);
}

/** `pulumi.com/replaceUnready`: a Job that did not complete is made anew. */
function isUnready(now: KubernetesObject, oldOutputs: PropertyMap): boolean {
  if (groupKind(now) !== "batch/Job" || annotation(now, "replaceUnready") !== "true") return false;
  const conditions = valueAt(oldOutputs, ["status", "conditions"]);
  const completed = (condition: unknown) =>
    isDeepStrictEqual(
      [valueAt(condition as PropertyMap, ["type"]), valueAt(condition as PropertyMap, ["status"])],
      ["Complete", "True"],
    );
  return !(Array.isArray(conditions) && conditions.some(completed));
}

function replaceUnready(replacement: Plan): Plan {
  const status: Difference = { path: ["status"], kind: "update" };
  return {
    ...replacement,
    differences: [...replacement.differences, status],
    replaces: [...(replacement.replaces ?? []), status],
  };
}
