import {
  Computed,
  concealLike,
  decode,
  encode,
  hasComputed,
  hasSecret,
  reveal,
  Secret,
  type PropertyMap,
} from "../../../rehearsal/providers/properties.ts";
import { Redaction } from "../../../rehearsal/providers/redaction.ts";

const signature = "4dabf18193072939515e22adb298388d";
const rich: PropertyMap = {
  text: "a",
  number: 1.5,
  flag: false,
  nothing: null,
  list: ["a", { deep: new Secret({ password: "hunter22" }) }],
  unknown: Computed.value,
  secretList: new Secret(["x", Computed.value]),
};

describe("properties", () => {
  it("come back from the wire as they were, secrets and unknowns included", () => {
    expect(decode(encode(rich))).toEqual(rich);
  });

  it("mark secrets and unknowns the way the engine does", () => {
    const wire = encode({ s: new Secret("v"), u: Computed.value }).toJavaScript();
    expect(wire).toEqual({
      s: { [signature]: "1b47061264138c4ac30d75fd1eb44270", value: "v" },
      u: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    });
  });

  it("leave out what is undefined", () => {
    expect(encode({ a: undefined, b: 1 }).toJavaScript()).toEqual({ b: 1 });
  });

  it("open every secret when revealed, and only then", () => {
    expect(hasSecret(rich)).toBe(true);
    expect(hasSecret(reveal(rich))).toBe(false);
    expect(reveal(rich)["list"]).toEqual(["a", { deep: { password: "hunter22" } }]);
  });

  it("tell an unknown value at any depth, also inside a secret", () => {
    expect(hasComputed({ a: [{ b: new Secret({ c: Computed.value }) }] })).toBe(true);
    expect(hasComputed({ a: [{ b: new Secret({ c: "known" }) }] })).toBe(false);
  });
});

describe("concealLike", () => {
  const cases: [string, PropertyMap, PropertyMap, PropertyMap][] = [
    [
      "a secret leaf",
      { a: { b: "v", c: 1 } },
      { a: { b: new Secret("old") } },
      { a: { b: new Secret("v"), c: 1 } },
    ],
    ["a whole secret map", { a: { b: "v" } }, { a: new Secret({}) }, { a: new Secret({ b: "v" }) }],
    [
      "one item of an equally long list",
      { a: ["x", "y"] },
      { a: ["x", new Secret("y")] },
      { a: ["x", new Secret("y")] },
    ],
    [
      "a list that grew around its secret",
      { a: ["x", "y", "z"] },
      { a: ["x", new Secret("y")] },
      { a: new Secret(["x", "y", "z"]) },
    ],
    [
      "a value of another shape",
      { a: "text" },
      { a: { b: new Secret("v") } },
      { a: new Secret("text") },
    ],
    ["nothing without a secret", { a: ["x"], b: 1 }, { a: ["x", "y"] }, { a: ["x"], b: 1 }],
  ];
  it.each(cases)("hides %s", (_case, value, pattern, expected) => {
    expect(concealLike(value, pattern)).toEqual(expected);
  });
});

describe("Redaction", () => {
  const redaction = new Redaction();
  redaction.learn({
    password: new Secret("hunter22"),
    data: new Secret({ key: Buffer.from("from-base64").toString("base64") }),
    certificate: new Secret("-----BEGIN-----\nline-of-key\n-----END-----"),
    flag: new Secret("no"),
    plain: "visible",
  });

  it.each([
    ["a secret", "password hunter22 refused", "password [secret] refused"],
    ["its base64 form", `data ${Buffer.from("hunter22").toString("base64")}`, "data [secret]"],
    ["what a base64 secret decodes to", "got from-base64", "got [secret]"],
    ["single lines of it", "parse error at line-of-key", "parse error at [secret]"],
    ["nothing plain", "visible", "visible"],
    ["nothing too short to be told from text", "no", "no"],
  ])("cuts out %s", (_case, message, expected) => {
    expect(redaction.apply(message)).toBe(expected);
  });
});
