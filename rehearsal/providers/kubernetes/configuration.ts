import { differences, type Plan } from "../difference.ts";
import { reveal, textOf, type PropertyMap, type PropertyValue } from "../properties.ts";
import type { ClusterAccess } from "../../../diagnosis/api.ts";
import type { Mutability } from "./replacement.ts";

export interface Configuration extends ClusterAccess, Mutability {
  /** For namespaced objects that name none. */
  readonly namespace: string;
  readonly skipUpdateUnreachable: boolean;
  readonly deleteUnreachable: boolean;
  readonly upsertExistingObjects: boolean;
}

const flags = [
  "enableConfigMapMutable",
  "enableSecretMutable",
  "skipUpdateUnreachable",
  "deleteUnreachable",
  "upsertExistingObjects",
] as const;

/** Inputs that mean nothing here, or that this stand-in fulfils anyway. */
const accepted = ["enableServerSideApply", "suppressDeprecationWarnings", "version"];
const known = ["kubeconfig", "context", "clusterIdentifier", "namespace", ...flags, ...accepted];

/** @throws for an input that the stand-in would silently ignore */
export function parseConfiguration(config: PropertyMap): Configuration {
  const values = reveal(config);
  for (const [field, value] of Object.entries(values)) {
    if (!known.includes(field) && !field.startsWith("__") && value !== null) {
      throw new Error(
        `the kubernetes stand-in has no provider input ${field}; it has ${known.join(", ")}`,
      );
    }
  }
  const flag = (field: (typeof flags)[number]) =>
    values[field] === true || values[field] === "true";
  return {
    kubeconfig: text(values["kubeconfig"]),
    context: text(values["context"]),
    namespace: text(values["namespace"]) ?? "default",
    enableConfigMapMutable: flag("enableConfigMapMutable"),
    enableSecretMutable: flag("enableSecretMutable"),
    skipUpdateUnreachable: flag("skipUpdateUnreachable"),
    deleteUnreachable: flag("deleteUnreachable"),
    upsertExistingObjects: flag("upsertExistingObjects"),
  };
}

/**
 * A provider is replaced, with everything under it, only when it points to another cluster: told
 * by `clusterIdentifier` where that is set, else by kubeconfig, context and namespace.
 */
export function planConfiguration(olds: PropertyMap, news: PropertyMap): Plan {
  const found = differences(olds, news);
  const before = text(reveal(olds["clusterIdentifier"]));
  const after = text(reveal(news["clusterIdentifier"]));
  const decisive =
    before === undefined && after === undefined
      ? ["kubeconfig", "context", "namespace"]
      : before !== undefined && after !== undefined
        ? ["clusterIdentifier"]
        : [];
  return {
    differences: found,
    replaces: found.filter(({ path }) => decisive.includes(String(path[0]))),
  };
}

function text(value: PropertyValue): string | undefined {
  return textOf(value) || undefined;
}
