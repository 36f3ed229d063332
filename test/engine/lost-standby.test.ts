import { jest } from "@jest/globals";
import { active, standby, TwoRegions } from "./support/two-regions.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const unreachable = "the configured Kubernetes cluster is unreachable";
let product: TwoRegions;

beforeAll(async () => {
  product = await TwoRegions.start();
});
afterAll(() => product.stop());

// Each test goes on where the one before it ended, as a stack's life does.
describe("a lost standby region", () => {
  it("had the first release", async () => {
    expect(await product.up({ release: "v1.0.0" })).toBe("");
    for (const region of [active, standby]) {
      expect(product.objects(region)).toBe("lifeline-release=v1.0.0 renamed-v1.0.0=v1.0.0");
      expect(product.asked(region)).toEqual(["v1.0.0"]);
    }
  });

  it("does not stop the next release, and is left as it was, gates included", async () => {
    product.disconnect(standby);
    expect(await product.up({ release: "v1.1.0" })).toBe("");
    expect(product.objects(active)).toBe("lifeline-release=v1.1.0 renamed-v1.1.0=v1.1.0");
    expect(product.asked(active)).toEqual(["v1.0.0", "v1.1.0"]);
    expect(product.objects(standby)).toBe("lifeline-release=v1.0.0 renamed-v1.0.0=v1.0.0");
    expect(product.asked(standby)).toEqual(["v1.0.0"]);
  });

  it("stops a change that adds an object to it", async () => {
    expect(await product.up({ release: "v1.1.0", hasAddition: true })).toContain(unreachable);
  });

  it("does not stop it when everything of the region is left out by name", async () => {
    const exclude = [`**::${standby}-*`];
    expect(await product.up({ release: "v1.1.0", hasAddition: true, exclude })).toBe("");
    expect(product.objects(active)).toContain("added=v1.1.0");
  });

  it("stops a change that takes an object from it", async () => {
    product.connect(standby);
    expect(await product.up({ release: "v1.1.0", hasAddition: true })).toBe("");
    expect(product.objects(standby)).toBe(
      "added=v1.1.0 lifeline-release=v1.1.0 renamed-v1.1.0=v1.1.0",
    );
    product.disconnect(standby);
    expect(await product.up({ release: "v1.1.0" })).toContain(unreachable);
  });

  it("is brought up to date by the next run once it is back", async () => {
    product.connect(standby);
    expect(await product.up({ release: "v1.2.0" })).toBe("");
    for (const region of [active, standby]) {
      expect(product.objects(region)).toBe("lifeline-release=v1.2.0 renamed-v1.2.0=v1.2.0");
      expect(product.asked(region).at(-1)).toBe("v1.2.0");
    }
  });
});

test("a lost active region stops every change to it", async () => {
  product.disconnect(active);
  expect(await product.up({ release: "v1.3.0" })).toContain(unreachable);
});
