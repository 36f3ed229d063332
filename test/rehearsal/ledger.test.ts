import { describe, expect, it } from "@jest/globals";
import { longestGapSeconds, lossSeconds, missingFrom } from "../../rehearsal/ledger.ts";

const ledger = {
  prefix: "p",
  failures: 0,
  complaints: [],
  acknowledged: [
    { text: "p 0.0", at: 1_000 },
    { text: "p 1.0", at: 1_100 },
    { text: "p 0.1", at: 5_600 },
    { text: "p 1.1", at: 5_500 },
  ],
};

describe("a ledger of acknowledged writes", () => {
  it("names what is missing, and nothing that nobody was promised", () => {
    const found = ["p 0.0", "p 0.1", "p 1.1", "p 9.9"];
    expect(missingFrom(ledger, found).map(({ text }) => text)).toEqual(["p 1.0"]);
    expect(missingFrom(ledger, [])).toHaveLength(4);
  });

  it("measures the longest time without an acknowledgement, in whatever order workers noted theirs", () => {
    expect(longestGapSeconds(ledger)).toBeCloseTo(4.4);
    expect(longestGapSeconds({ acknowledged: [] })).toBe(0);
  });

  it("measures how far back a loss reaches", () => {
    expect(lossSeconds(missingFrom(ledger, ["p 0.0", "p 1.0"]))).toBeCloseTo(0.1);
    expect(lossSeconds([])).toBe(0);
  });
});
