import { formatPath } from "../../../../rehearsal/providers/difference.ts";
import {
  parseConfiguration,
  planConfiguration,
} from "../../../../rehearsal/providers/kubernetes/configuration.ts";
import type { PropertyMap } from "../../../../rehearsal/providers/properties.ts";

describe("planConfiguration", () => {
  const change = (olds: PropertyMap, news: PropertyMap) =>
    planConfiguration(olds, news).replaces?.map(({ path }) => formatPath(path));

  it.each([
    [
      "another identifier",
      { clusterIdentifier: "a" },
      { clusterIdentifier: "b" },
      ["clusterIdentifier"],
    ],
    [
      "nothing else while it is set",
      { clusterIdentifier: "a", kubeconfig: "1" },
      { clusterIdentifier: "a", kubeconfig: "2" },
      [],
    ],
    ["no identifier added", { kubeconfig: "1" }, { clusterIdentifier: "a", kubeconfig: "2" }, []],
    [
      "another kubeconfig without an identifier",
      { kubeconfig: "1" },
      { kubeconfig: "2" },
      ["kubeconfig"],
    ],
    ["another context without an identifier", { context: "1" }, { context: "2" }, ["context"]],
    ["no flag", { skipUpdateUnreachable: "true" }, {}, []],
  ] as [string, PropertyMap, PropertyMap, string[]][])(
    "replaces the provider for %s",
    (_case, olds, news, expected) => {
      expect(change(olds, news)).toEqual(expected);
    },
  );

  it("reads flags as the SDK sends them, as text", () => {
    expect(parseConfiguration({ enableSecretMutable: "true" })).toMatchObject({
      enableSecretMutable: true,
      enableConfigMapMutable: false,
      namespace: "default",
    });
  });

  it("refuses an input that it would ignore", () => {
    expect(() => parseConfiguration({ renderYamlToDirectory: "x" })).toThrow(
      "the kubernetes stand-in has no provider input renderYamlToDirectory",
    );
  });
});
