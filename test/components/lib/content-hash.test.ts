import { contentHash } from "../../../components/lib/content-hash.ts";

describe("contentHash", () => {
  test("does not depend on the order of keys", () => {
    expect(contentHash({ a: 1, b: { c: 2, d: 3 } })).toBe(contentHash({ b: { d: 3, c: 2 }, a: 1 }));
  });

  test("depends on the order of a list", () => {
    expect(contentHash([1, 2])).not.toBe(contentHash([2, 1]));
  });

  test("takes a key without a value for absent", () => {
    expect(contentHash({ a: 1, b: undefined })).toBe(contentHash({ a: 1 }));
  });

  test("tells values of different types apart", () => {
    expect(contentHash({ a: "1" })).not.toBe(contentHash({ a: 1 }));
  });

  test("fits into the name of an object", () => {
    expect(contentHash({})).toMatch(/^[0-9a-f]{10}$/);
  });
});
