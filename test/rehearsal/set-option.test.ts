import { describe, expect, it } from "@jest/globals";
import { settingsFrom } from "../../rehearsal/set-option.ts";

describe("--set", () => {
  it("reads values as the stack file has them", () => {
    const set = ["activeRegion=eu-west-1", "lifeline:postgres.replicas=2", "a.b=[{storage: 1Gi}]"];
    expect(settingsFrom(set)).toEqual({
      activeRegion: "eu-west-1",
      "postgres.replicas": 2,
      "a.b": [{ storage: "1Gi" }],
    });
  });

  it.each(["activeRegion", "=x", "activeRegion=", "active region=x"])("refuses %s", (wrong) => {
    expect(() => settingsFrom([wrong])).toThrow(/--set: got .*Fix: write it as/);
  });
});
