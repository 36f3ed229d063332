import { readFileSync } from "node:fs";
import type { CheckResult, RunSummary } from "../report/evidence.ts";
import { assertNoSecrets } from "../report/secrets.ts";
import { check } from "./check.ts";

/** Running the program again finds nothing to do. */
export function secondRunEmpty(run: RunSummary): Promise<CheckResult> {
  return check({ name: "A second run changes nothing" }, () => nothingChanged(run));
}

/** What the engine reads back from the clusters is what the program declares. */
export function noDrift(preview: RunSummary): Promise<CheckResult> {
  return check({ name: "Nothing drifted from the program" }, () => nothingChanged(preview));
}

function nothingChanged({ created, updated, replaced, deleted, unchanged }: RunSummary) {
  return {
    // A run that saw no resource at all found nothing to compare.
    ok: created + updated + replaced + deleted === 0 && unchanged > 0,
    expected: "0 created, 0 updated, 0 replaced, 0 deleted",
    measured:
      `${created} created, ${updated} updated, ${replaced} replaced, ${deleted} deleted, ` +
      `${unchanged} unchanged`,
  };
}

/** What is read from a disk where others remove files; undefined for what is gone. */
export function unlessGone<Content>(read: () => Content): Content | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** None of the secrets stands in plain text, or merely encoded, in what the run wrote. */
export function secretsStaySecret(
  files: readonly string[],
  secrets: readonly string[],
): Promise<CheckResult> {
  return check({ name: "No secret in state and logs" }, () => {
    let read = 0;
    for (const file of files) {
      const text = unlessGone(() => readFileSync(file, "utf8"));
      if (text === undefined) continue;
      assertNoSecrets(text, secrets, file);
      read += 1;
    }
    return {
      ok: read > 0 && secrets.length > 0,
      expected: "none found in at least one file",
      measured: `none of ${secrets.length} secrets in ${read} files`,
    };
  });
}
