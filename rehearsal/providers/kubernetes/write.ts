import { setTimeout as sleep } from "node:timers/promises";
import { fieldManager, UnknownKind, type Cluster } from "./cluster.ts";
import { ApiError, Unreachable } from "../../../diagnosis/api.ts";
import { describe, type KubernetesObject } from "./object.ts";
import { claimFields } from "./ownership.ts";

/** How often, and how long apart at first (milliseconds), a namespace or CRD is awaited. */
const attempts = 10;
const firstPause = 250;
const growth = 1.5;

/** Makes an object that must not exist yet, unless existing ones may be taken over. */
export async function createNew(
  cluster: Cluster,
  object: KubernetesObject,
  upsert: boolean,
  cancelled: AbortSignal,
): Promise<KubernetesObject> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await cluster.create(object);
    } catch (error) {
      if (error instanceof ApiError && error.reason === "AlreadyExists") {
        if (upsert) return applyOwned(cluster, object);
        throw new Error(
          `${describe(object)} already exists in ${cluster.server}: import it, delete it, ` +
            "or set upsertExistingObjects on the provider to take it over",
        );
      }
      // A namespace or CRD made a moment ago may not be served yet.
      if (!isMissingGround(error) || attempt === attempts) throw error;
      await sleep(firstPause * growth ** attempt, undefined, { signal: cancelled });
    }
  }
}

/** Applies the object so that fields it no longer sets disappear, however it was made. */
export async function applyOwned(
  cluster: Cluster,
  object: KubernetesObject,
): Promise<KubernetesObject> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { apiVersion, kind, metadata } = object;
      const { namespace, name = "" } = metadata;
      const live = await cluster.get({ apiVersion, kind, namespace, name });
      const claimed = claimFields(live?.metadata.managedFields ?? []);
      if (live !== undefined && claimed !== undefined)
        await cluster.setManagedFields(live, claimed);
      return await cluster.apply(object);
    } catch (error) {
      // Somebody wrote the object between our read and our write.
      if (!(error instanceof ApiError && error.reason === "Conflict")) throw error;
      if (attempt === attempts) throw error;
    }
  }
}

/**
 * Asks the server, by a dry run, whether it would take the object.
 * @returns a warning when the run is likely to fail at it
 * @throws when the server refuses it
 */
export async function validate(
  cluster: Cluster,
  object: KubernetesObject,
  by: "create" | "apply",
  upsert: boolean,
): Promise<string | undefined> {
  try {
    await cluster[by](object, true);
    return undefined;
  } catch (error) {
    if (isMissingGround(error)) return undefined;
    if (error instanceof Unreachable) return `cannot be validated: ${error.message}`;
    if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
    return upsert || (await isOurs(cluster, object))
      ? undefined
      : `${describe(object)} already exists`;
  }
}

/** A replacement meets its predecessor in the preview: that one will be gone by then. */
async function isOurs(cluster: Cluster, { apiVersion, kind, metadata }: KubernetesObject) {
  const { namespace, name = "" } = metadata;
  const live = await cluster.get({ apiVersion, kind, namespace, name });
  return live?.metadata.managedFields?.some(({ manager }) => manager === fieldManager) ?? true;
}

function isMissingGround(error: unknown): boolean {
  if (error instanceof UnknownKind) return true;
  return error instanceof ApiError && error.status === 404;
}
