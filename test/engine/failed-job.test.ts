import { jest } from "@jest/globals";
import { TwoRegions } from "./support/two-regions.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

let product: TwoRegions;

beforeAll(async () => {
  product = await TwoRegions.start();
});
afterAll(() => product.stop());

test("a Job that failed is run again by the next update, once its cause is gone", async () => {
  const change = { release: "v1.0.0", hasMigration: true };
  product.podsEnd = "Failed";
  expect(await product.up(change)).toMatch(/db-migration-\S+ failed/);
  expect(await product.up(change)).toMatch(/db-migration-\S+ failed/);
  product.podsEnd = "Succeeded";
  expect(await product.up(change)).toBe("");
});
