import { isDeepStrictEqual } from "node:util";
import type { StateResource } from "../engine.ts";

/** An object as it is given to a cluster. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly replicas?: number };
}

/** One region's objects out of the engine's state, with all that it resolved and made: secrets in plain text. */
export function objectsOf(region: string, resources: readonly StateResource[]): KubernetesObject[] {
  return resources
    .filter(
      ({ type, provider = "" }) =>
        type.startsWith("kubernetes:") && provider.includes(`::${region}-`),
    )
    .map(({ inputs }) => inputs as unknown as KubernetesObject);
}

/** A file for kubectl. */
export const listOf = (objects: readonly KubernetesObject[]): string =>
  JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });

/** Arguments of kubectl that wait for what the engine waits for, an entry per object. */
export function waitsFor(objects: readonly KubernetesObject[]): string[][] {
  return objects.flatMap(({ kind, apiVersion, metadata }) => {
    const [group = ""] = apiVersion.includes("/") ? apiVersion.split("/") : [];
    const object = `${[kind, group].filter(Boolean).join(".").toLowerCase()}/${metadata.name}`;
    const waited = metadata.annotations?.["pulumi.com/waitFor"];
    if (waited?.startsWith("condition=")) return [["wait", `--for=${waited}`, object]];
    // What the engine waits for there compares fields, which kubectl cannot.
    if (kind === "HTTPRoute") return [["wait", `--for=${accepted}`, object]];
    if (kind === "StatefulSet" || kind === "Deployment") return [["rollout", "status", object]];
    if (kind === "Job") return [["wait", "--for=condition=Complete", object]];
    return [];
  });
}

const accepted = `jsonpath={.status.parents[0].conditions[?(@.type=="Accepted")].status}=True`;

/** Deployments that the two releases give different pods, as kubectl names them. */
export function changedDeployments(
  before: readonly KubernetesObject[],
  after: readonly KubernetesObject[],
): string[] {
  return before
    .filter(({ kind }) => kind === "Deployment")
    .filter((object) => !after.some((other) => isDeepStrictEqual(object, other)))
    .map(({ metadata }) => `deployment/${metadata.name}`);
}
