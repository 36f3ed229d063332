import { differences, formatPath, planReplacing } from "../../../rehearsal/providers/difference.ts";
import { Computed, Secret, type PropertyMap } from "../../../rehearsal/providers/properties.ts";

describe("differences", () => {
  const cases: [string, PropertyMap, PropertyMap, string[]][] = [
    ["nothing between equal values", { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
    ["nothing between null and absent", { a: null }, {}, []],
    ["nothing between a secret and the same value", { a: new Secret("v") }, { a: "v" }, []],
    ["an added leaf", { a: {} }, { a: { b: 1 } }, ["add a.b"]],
    ["a removed leaf", { a: { b: 1 } }, { a: {} }, ["delete a.b"]],
    ["a changed secret", { a: new Secret("v") }, { a: new Secret("w") }, ["update a"]],
    ["a changed item", { a: [1, 2] }, { a: [1, 3] }, ["update a[1]"]],
    ["a value that becomes unknown", { a: 1 }, { a: Computed.value }, ["update a"]],
    ["keys that are no identifiers", { a: { "x.y/z": 1 } }, { a: {} }, ['delete a["x.y/z"]']],
  ];
  it.each(cases)("finds %s", (_case, olds, news, expected) => {
    const found = differences(olds, news);
    expect(found.map(({ kind, path }) => `${kind} ${formatPath(path)}`)).toEqual(expected);
  });
});

describe("planReplacing", () => {
  it("replaces for a difference at or below a replacing path only", () => {
    const found = differences({ a: { b: { c: 1 } }, ab: 1 }, { a: { b: { c: 2 } }, ab: 2 });
    const { replaces = [] } = planReplacing(found, ["a.b"]);
    expect(replaces.map(({ path }) => formatPath(path))).toEqual(["a.b.c"]);
  });
});
