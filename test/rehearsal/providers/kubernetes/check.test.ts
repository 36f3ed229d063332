import { parseType } from "../../../../rehearsal/providers/kubernetes/check.ts";

describe("parseType", () => {
  it.each([
    ["kubernetes:core/v1:Secret", "v1", "Secret"],
    ["kubernetes:apps/v1:Deployment", "apps/v1", "Deployment"],
    ["kubernetes:cert-manager.io/v1:Certificate", "cert-manager.io/v1", "Certificate"],
  ])("reads %s", (type, apiVersion, kind) => {
    expect(parseType(type)).toEqual({ apiVersion, kind });
  });

  it.each([
    ["kubernetes:helm.sh/v3:Release", "the kubernetes stand-in has no Helm"],
    ["kubernetes:core/v1:ConfigMapPatch", "has no kubernetes:core/v1:ConfigMapPatch"],
  ])("refuses %s", (type, reason) => {
    expect(() => parseType(type)).toThrow(reason);
  });
});
