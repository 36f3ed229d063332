import { expect, it } from "@jest/globals";
import { median, percentile } from "../../../rehearsal/bench/figures.ts";

it.each([
  [50, 2],
  [95, 4],
  [100, 4],
  [1, 1],
])("has %d percent of the values not above it", (percent, value) => {
  expect(percentile([4, 1, 3, 2], percent)).toBe(value);
});

it("says of nothing that there is no figure", () => {
  expect(median([])).toBeNaN();
});
