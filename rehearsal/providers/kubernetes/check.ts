import { hasComputed, isMap, type PropertyMap, type PropertyValue } from "../properties.ts";
import { uniqueName } from "../names.ts";
import { unsupported, type Checked, type CheckRequest } from "../stand-in.ts";
import { autonamedAnnotation } from "./replacement.ts";
import { parseWaitFor } from "./wait-for.ts";

/** API version and kind that a type token stands for. */
export function parseType(type: string): { apiVersion: string; kind: string } {
  const [, version = "", kind = ""] = type.split(":");
  const [group] = version.split("/");
  if (group === "helm.sh") throw unsupported("kubernetes", "Helm");
  if (group === "yaml" || group === "kustomize" || kind.endsWith("Patch")) {
    throw unsupported("kubernetes", type);
  }
  return { apiVersion: version.replace(/^core\//, ""), kind };
}

/** Inputs with the name the object will have: its own, the last generated one, or a new one. */
export function withName({ name, olds, news, seed }: CheckRequest): PropertyMap {
  const metadata = mapAt(news, "metadata");
  if (metadata["name"] !== undefined || metadata["generateName"] !== undefined) return news;
  const old = mapAt(olds ?? {}, "metadata");
  const generated = mapAt(old, "annotations")[autonamedAnnotation] === "true";
  const annotations = { ...mapAt(metadata, "annotations"), [autonamedAnnotation]: "true" };
  const chosen = generated ? old["name"] : uniqueName(name, seed, 8);
  return { ...news, metadata: { ...metadata, name: chosen, annotations } };
}

export function withNamespace(inputs: PropertyMap, namespace: string | undefined): PropertyMap {
  const metadata = mapAt(inputs, "metadata");
  if (namespace === undefined || metadata["namespace"] !== undefined) return inputs;
  return { ...inputs, metadata: { ...metadata, namespace } };
}

/** What cannot be right whatever the cluster says. */
export function failuresOf(inputs: PropertyMap): NonNullable<Checked["failures"]> {
  const waitFor = mapAt(mapAt(inputs, "metadata"), "annotations")["pulumi.com/waitFor"];
  if (typeof waitFor !== "string" || hasComputed(waitFor)) return [];
  try {
    parseWaitFor(waitFor);
    return [];
  } catch (error) {
    const property = 'metadata.annotations["pulumi.com/waitFor"]';
    return [{ property, reason: error instanceof Error ? error.message : String(error) }];
  }
}

function mapAt(map: PropertyMap, key: string): PropertyMap {
  const value: PropertyValue = map[key];
  return isMap(value) ? value : {};
}
