import { claimFields } from "../../../../rehearsal/providers/kubernetes/ownership.ts";
import type { PropertyMap } from "../../../../rehearsal/providers/properties.ts";

describe("claimFields", () => {
  const entry = (
    operation: "Apply" | "Update",
    fields: PropertyMap,
    manager = "pulumi-kubernetes",
  ) => ({ manager, operation, fieldsV1: fields }) as const;

  it("turns the ownership of a create into that of an apply", () => {
    const others = entry("Update", { "f:status": {} }, "kube-controller-manager");
    expect(claimFields([others, entry("Update", { "f:data": {} })])).toEqual([
      others,
      entry("Apply", { "f:data": {} }),
    ]);
  });

  it("joins it with what was applied before", () => {
    const managed = [
      entry("Apply", { "f:data": { "f:a": {} } }),
      entry("Update", { "f:data": { "f:b": {} } }),
    ];
    expect(claimFields(managed)).toEqual([entry("Apply", { "f:data": { "f:a": {}, "f:b": {} } })]);
  });

  it("has nothing to do once applied, nor with what it wrote to a subresource", () => {
    const scaled = { ...entry("Update", {}), subresource: "scale" };
    expect(claimFields([entry("Apply", {}), scaled])).toBeUndefined();
  });
});
