import { jest } from "@jest/globals";
import { active, standby, TwoRegions } from "./support/two-regions.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

let product: TwoRegions;

beforeAll(async () => {
  product = await TwoRegions.start();
  expect(await product.up({ release: "v1.0.0" })).toBe("");
  for (const region of [active, standby]) product.connectAs(region, "test-deployer");
});
afterAll(() => product.stop());

// Each test goes on where the one before it ended, as a stack's life does.
describe("with no more rights than the deployer's", () => {
  it.each(["v1.1.0", "v1.0.0"])("goes to %s, gates included", async (release) => {
    // The product has no ConfigMap that is named by a release, so there is no right to make one.
    expect(await product.up({ release, exclude: ["**::*-renamed"] })).toBe("");
    for (const region of [active, standby]) {
      expect(product.objects(region)).toBe(`lifeline-release=${release} renamed-v1.0.0=v1.0.0`);
      expect(product.asked(region).at(-1)).toBe(release);
    }
  });

  it("cannot give anybody more rights", async () => {
    expect(await product.up({ release: "v1.0.0", pullSecret: "other" })).toContain("forbidden");
  });
});
