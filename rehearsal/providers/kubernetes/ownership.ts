import { isMap, type PropertyMap } from "../properties.ts";
import { fieldManager } from "./cluster.ts";
import type { ManagedFields } from "./object.ts";

/**
 * An object made by a plain create is owned by an `Update` entry, from which a later apply removes
 * nothing. Turns our `Update` entry into, or joins it with, our `Apply` entry; undefined when
 * there is none.
 */
export function claimFields(
  managed: readonly ManagedFields[],
): readonly ManagedFields[] | undefined {
  const isOurs = ({ manager, subresource }: ManagedFields) =>
    manager === fieldManager && subresource === undefined;
  const created = managed.find((entry) => isOurs(entry) && entry.operation === "Update");
  if (created === undefined) return undefined;
  const applied = managed.find((entry) => isOurs(entry) && entry.operation === "Apply");
  const rest = managed.filter((entry) => entry !== created && entry !== applied);
  const fieldsV1 = union(created.fieldsV1, applied?.fieldsV1 ?? {});
  return [...rest, { ...created, operation: "Apply", fieldsV1 }];
}

function union(one: PropertyMap, other: PropertyMap): PropertyMap {
  const joined = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const own = joined[key];
    joined[key] = isMap(own) && isMap(value) ? union(own, value) : value;
  }
  return joined;
}
