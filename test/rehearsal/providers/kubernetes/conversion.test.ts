import {
  liveInputs,
  toObject,
  toOutputs,
} from "../../../../rehearsal/providers/kubernetes/conversion.ts";
import type { KubernetesObject } from "../../../../rehearsal/providers/kubernetes/object.ts";
import { Secret, type PropertyMap } from "../../../../rehearsal/providers/properties.ts";

describe("conversion", () => {
  const inputs = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "it", labels: null },
    stringData: { a: new Secret("hunter22") },
    data: { b: "Yg==" },
  };
  const live: KubernetesObject = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: "it",
      managedFields: [],
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": "hunter22" },
    },
    data: { a: "aHVudGVyMjI=", b: "Yg==" },
  };

  it("sends text of a Secret as data, so that a removed key disappears", () => {
    expect(toObject(inputs)).toEqual({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "it" },
      data: { a: "aHVudGVyMjI=", b: "Yg==" },
    });
  });

  it("hides all data of a Secret in its outputs", () => {
    expect(toOutputs(live, inputs)).toEqual({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "it", annotations: {} },
      data: new Secret(live["data"] as PropertyMap),
    });
  });

  it("finds drift in the fields the program sets, and only there", () => {
    const drifted = { ...live, metadata: { ...live.metadata, name: "it" }, data: { b: "WA==" } };
    expect(liveInputs(drifted, inputs)).toEqual({
      ...inputs,
      metadata: { name: "it" },
      data: { b: "WA==" },
    });
  });
});
