import type { PropertyMap, PropertyValue } from "../properties.ts";

/** Any object of the Kubernetes API, secrets opened. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: PropertyMap;
  readonly status?: PropertyMap;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly managedFields?: readonly ManagedFields[];
}

export interface ManagedFields {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly subresource?: string;
  readonly fieldsV1: PropertyMap;
  readonly [field: string]: PropertyValue;
}

/** Group and kind, such as `apps/StatefulSet` or `Secret`. */
export function groupKind({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  const [group, version] = apiVersion.split("/");
  return version === undefined ? kind : `${group}/${kind}`;
}

/** `namespace/name`, or `name` for what has no namespace: the resource's id. */
export function idOf({ metadata }: KubernetesObject): string {
  const { namespace, name } = metadata;
  return namespace === undefined ? `${name}` : `${namespace}/${name}`;
}

export function parseId(id: string): { namespace?: string; name: string } {
  const [first = "", second] = id.split("/");
  return second === undefined ? { name: first } : { namespace: first, name: second };
}

export function annotation(object: KubernetesObject, key: string): string | undefined {
  return object.metadata.annotations?.[`pulumi.com/${key}`];
}

/** For messages: `Deployment shop/web`. */
export function describe(object: KubernetesObject): string {
  return `${object.kind} ${idOf(object)}`;
}
