import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Evidence } from "./evidence.ts";
import { renderReport } from "./html.ts";
import type { ReviewEvidence } from "./review-evidence.ts";
import { renderReviewPage } from "./review-page.ts";
import { renderRollbackPage } from "./rollback-page.ts";
import type { RollbackEvidence } from "./rollback-evidence.ts";
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
  const files = filesIn(folder, "report.html", "evidence.json");
  writeBoth(files, renderReport(evidence), evidence, secrets);
  return files;
}

/** Writes rollback.html and rollback.json beside them, under the same terms. */
export function writeRollbackReport(
  evidence: RollbackEvidence,
  folder: string,
  secrets: readonly string[],
): ReportFiles {
  const files = filesIn(folder, "rollback.html", "rollback.json");
  writeBoth(files, renderRollbackPage(evidence), evidence, secrets);
  return files;
}

/** Writes review-<stack>-<deployment>.html and .json, under the same terms. */
export function writeReview(
  evidence: ReviewEvidence,
  folder: string,
  secrets: readonly string[],
): ReportFiles {
  const name = `review-${evidence.run.stack}-${String(evidence.deployment.number)}`;
  const files = filesIn(folder, `${name}.html`, `${name}.json`);
  writeBoth(files, renderReviewPage(evidence), evidence, secrets);
  return files;
}

const filesIn = (folder: string, report: string, evidence: string): ReportFiles => ({
  report: resolve(folder, report),
  evidence: resolve(folder, evidence),
});

function writeBoth(
  files: ReportFiles,
  page: string,
  evidence: object,
  secrets: readonly string[],
): void {
  const json = `${JSON.stringify(evidence, undefined, 2)}\n`;
  assertNoSecrets(page, secrets, "the report");
  assertNoSecrets(json, secrets, "the evidence");
  mkdirSync(dirname(files.report), { recursive: true });
  writeWhole(files.report, page);
  writeWhole(files.evidence, json);
}

function writeWhole(file: string, content: string): void {
  const draft = join(file, "..", `.${process.pid}.draft`);
  writeFileSync(draft, content);
  chmodSync(draft, 0o644);
  renameSync(draft, file);
}
