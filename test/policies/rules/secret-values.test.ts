import { Secret, unknownCheckingProxy } from "@pulumi/policy";
import { secretValuesRule } from "../../../policies/rules/secret-values.ts";
import { argsOf, violations } from "../support/judge.ts";
import type { Resource } from "../support/resources.ts";
import { configMap, secret, service, workload } from "../support/resources.ts";

/** The engine's sign for a text that a preview does not know. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** As the engine's runner hands inputs to a remediation. */
const asInRemediation = (resource: Resource): Resource => ({
  ...resource,
  props: (unknownCheckingProxy as (props: Resource["props"]) => Resource["props"])(resource.props),
});

const judged = (resource: Resource) => violations(secretValuesRule(), asInRemediation(resource));

const secretVersion = (props: Record<string, unknown>): Resource => ({
  type: "aws:secretsmanager/secretVersion:SecretVersion",
  name: "app",
  props,
});

describe("secret values stay secret", () => {
  test.each([
    ["data marked as a whole", secret({ data: new Secret({ JWT_SECRET: "canary" }) })],
    ["each value marked", secret({ stringData: { JWT_SECRET: new Secret("canary") } })],
    ["a Secret without data", secret({ type: "Opaque" })],
    ["data that a preview does not know", secret({ stringData: unknown })],
    ["one value that a preview does not know", secret({ stringData: { JWT_SECRET: unknown } })],
    ["a marked version of an AWS secret", secretVersion({ secretString: new Secret("canary") })],
    ["objects without secret values", workload("Deployment")],
    [
      "secrets outside a cluster",
      { type: "command:local:Command", name: "c", props: { environment: new Secret({ A: "x" }) } },
    ],
  ])("allow %s", (_description, resource) => {
    expect(judged(resource)).toEqual([]);
  });

  test.each([
    ["plain data", secret({ data: { JWT_SECRET: "Y2FuYXJ5" } })],
    ["plain text", secret({ stringData: { JWT_SECRET: "canary" } })],
    [
      "one plain value beside a marked one",
      secret({ stringData: { A: new Secret("canary"), B: "canary" } }),
    ],
    [
      "a Secret declared without its type",
      { ...secret({ data: { A: "x" } }), type: "kubernetes:v1:Secret" },
    ],
    ["a plain version of an AWS secret", secretVersion({ secretString: "canary" })],
    ["a secret in a ConfigMap", configMap({ conf: new Secret("canary") })],
    ["a secret that fills a whole input", { ...configMap({}), props: { data: new Secret({}) } }],
    [
      "a secret in an annotation",
      { ...service(), props: { metadata: { annotations: { checksum: new Secret("canary") } } } },
    ],
    [
      "a secret in a custom resource",
      { type: "kubernetes:example.test/v1:Thing", name: "t", props: { spec: [new Secret("x")] } },
    ],
  ])("refuse %s", (_description, resource) => {
    const messages = judged(resource);
    expect(messages).toHaveLength(1);
    expect(messages[0]).not.toMatch(/canary|Y2FuYXJ5/);
  });

  test("names the path of the value", () => {
    expect(judged(configMap({ conf: new Secret("canary") }))[0]).toContain("data.conf must not");
  });

  test("refuses what it was not shown", () => {
    const { validateResource } = secretValuesRule();
    const messages: string[] = [];
    for (const validate of [validateResource ?? []].flat()) {
      void validate(argsOf(service()), (message) => messages.push(message));
    }
    expect(messages).toHaveLength(1);
  });
});
