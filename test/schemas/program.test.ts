import lifeline from "../../index.ts";
import { declaredGraph } from "../../rehearsal/graph.ts";
import { readStackFile } from "../../rehearsal/stack-file.ts";
import type { KubernetesObject } from "./support/schema.ts";
import { schemaErrors } from "./support/schema.ts";

describe.each(["production", "staging", "local"])("every object of the %s stack", (stack) => {
  let objects: KubernetesObject[];

  beforeAll(async () => {
    const graph = await declaredGraph(() => lifeline(), { stack, ...readStackFile(stack) });
    objects = graph
      .filter(
        ({ type }) => type.startsWith("kubernetes:") && type !== "kubernetes:helm.sh/v3:Release",
      )
      .map(({ inputs }) => inputs as KubernetesObject);
  }, 30_000);

  test("keeps to the schema of its kind", async () => {
    const found = await Promise.all(
      objects.map(async (object) => {
        const { name } = object["metadata"] as { name: string };
        const errors = await schemaErrors(object);
        return errors.map((error) => `${object.kind} ${name}: ${error}`);
      }),
    );
    expect(found.flat()).toEqual([]);
  });

  test("includes the custom resources of absent controllers", () => {
    const kinds = new Set(objects.map(({ kind }) => kind));
    for (const kind of [
      ...["Certificate", "ClusterIssuer", "Gateway", "HTTPRoute"],
      ...["PrometheusRule", "ServiceMonitor"],
      ...(stack === "local" ? [] : ["ExternalSecret", "SecretStore"]),
    ]) {
      expect(kinds).toContain(kind);
    }
  });
});
