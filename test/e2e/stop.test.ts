import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { jest } from "@jest/globals";
import { runFolder } from "../../rehearsal/paths.ts";
import { lifeline } from "./support/lifeline.ts";
import { failureOf, isOfTests, rehearsal } from "./support/rehearsal.ts";

/** Where no file before has started the rehearsal, the first run may build every tool. */
jest.setTimeout(45 * 60_000);

test("npm run stop leaves nothing of a rehearsal behind", async () => {
  // Whatever state the files before have left it in.
  if (!isOfTests()) await rehearsal();
  expect(failureOf(await lifeline(["stop"]))).toBe("");
  expect(existsSync(runFolder)).toBe(false);
  expect(execFileSync("ip", ["-br", "link"], { encoding: "utf8" })).not.toContain("lifeline");
});
