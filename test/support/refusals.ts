import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parseConfig } from "../../config/parse.ts";
import { ConfigError, type Problem } from "../../config/problems.ts";
import { repository, releasesOf } from "./stack-files.ts";

/** Rows of a table under test/config/: cells divided by " | ", comments and empty lines left out. */
export function table(name: string): string[][] {
  return readFileSync(join(repository, "test/config", name), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" | ").map(unescape));
}

function unescape(cell: string): string {
  return cell.replaceAll("\\n", "\n").replaceAll("\\t", "\t").replace("(nothing)", "");
}

/** Why `config` is refused, with `releases` by version and some keys encrypted; fails the test if it is accepted. */
export function refused(
  config: Readonly<Record<string, unknown>>,
  releases: Readonly<Record<string, string>>,
  secretKeys: readonly string[] = [],
): ConfigError {
  try {
    parseConfig("production", config, releasesOf(releases), new Set(secretKeys));
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("accepted");
}

/** There is exactly one problem, told in the message as well; `allowed` and `fix` are parts of it. */
export function expectOnly(error: ConfigError, { field, value, allowed, fix }: Problem): void {
  expect(error.problems).toEqual([
    {
      field,
      value,
      allowed: expect.stringContaining(allowed) as string,
      fix: expect.stringContaining(fix) as string,
    },
  ]);
  for (const part of ["Pulumi.production.yaml", field, value, allowed, fix]) {
    expect(error.message).toContain(part);
  }
}
