import type * as pulumi from "@pulumi/pulumi";

import type { DeclaredResource, GraphOptions } from "../../rehearsal/graph.ts";
import { declaredGraph } from "../../rehearsal/graph.ts";
import { GraphView } from "../../rehearsal/graph-view.ts";

/** Declares single components, without engine or cluster, and returns all that they declare with every option. */
export async function declare(
  build: () => void,
  options: Partial<GraphOptions> = {},
): Promise<GraphView> {
  return new GraphView(await declaredGraph(build, { stack: "test", config: {}, ...options }));
}

/** The only resource of a kind, or of a kind and an object name. @throws Error naming what there is instead */
export function only(graph: GraphView, kind: string, name?: string): DeclaredResource {
  const found = all(graph, kind).filter((it) => name === undefined || objectName(it) === name);
  const [resource] = found;
  if (resource !== undefined && found.length === 1) return resource;
  const known = graph.resources.map((it) => `${kindOf(it)} ${objectName(it)}`).join(", ");
  throw new Error(`${String(found.length)} of ${kind} ${name ?? ""}, among ${known}`);
}

/** Every resource of a kind, in order of declaration; components are none. */
export function all(graph: GraphView, kind: string): DeclaredResource[] {
  return graph.resources.filter((resource) => resource.custom && kindOf(resource) === kind);
}

export function kindOf({ type }: DeclaredResource): string {
  return type.split(":").at(-1) ?? type;
}

/** Name of the object in the cluster or in AWS; of other resources, the name in the program. */
export function objectName(resource: DeclaredResource): string {
  const name = at(resource.inputs, "metadata", "name");
  return typeof name === "string" ? name : resource.name;
}

/** What stands at a path; undefined where nothing does. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  );
}

/** Variables of a container, by name. */
export const environment = (variables: unknown): Record<string, string | undefined> =>
  Object.fromEntries(
    (variables as { name: string; value?: string }[]).map(({ name, value }) => [name, value]),
  );

/** The value of an output; waits for ever when it never comes, so that the test's time limit tells. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}
