import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Evidence } from "./evidence.ts";
import { renderReport } from "./html.ts";
import { assertNoSecrets } from "./secrets.ts";

export interface ReportFiles {
  /** For people. */
  readonly report: string;
  /** The same facts for machines. */
  readonly evidence: string;
}

/**
 * Writes report.html and evidence.json into `folder`, each whole or not at all, readable by all.
 * Throws, and writes neither, when one of them would hold one of `secrets`.
 */
export function writeReport(
  evidence: Evidence,
  folder: string,
  secrets: readonly string[],
): ReportFiles {
  const files = {
    report: resolve(folder, "report.html"),
    evidence: resolve(folder, "evidence.json"),
  };
  const page = renderReport(evidence);
  const json = `${JSON.stringify(evidence, undefined, 2)}\n`;
  assertNoSecrets(page, secrets, "the report");
  assertNoSecrets(json, secrets, "the evidence");
  mkdirSync(folder, { recursive: true });
  writeWhole(files.report, page);
  writeWhole(files.evidence, json);
  return files;
}

function writeWhole(file: string, content: string): void {
  const draft = join(file, "..", `.${process.pid}.draft`);
  writeFileSync(draft, content);
  chmodSync(draft, 0o644);
  renameSync(draft, file);
}
