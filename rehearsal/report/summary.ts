import { type Evidence, type PhaseResult, type Status, isProven } from "./evidence.ts";
import {
  checksOf,
  duration,
  elapsedSeconds,
  fullName,
  headline,
  plainText,
  tally,
} from "./words.ts";
import type { ReportFiles } from "./write.ts";

const words: Readonly<Record<Status, string>> = {
  passed: "passed",
  failed: "FAILED",
  skipped: "skipped",
};

/** What came out, as plain text for the end of a terminal run: no colours, no control characters. */
export function summarize(evidence: Evidence, files: ReportFiles): string {
  const lines = [
    `${evidence.verdict === "passed" ? "PASSED" : "FAILED"}  ${headline(evidence)}`,
    "",
    ...evidence.phases.map(phaseLine),
    ...listed(
      "In the way:",
      checksOf(evidence)
        .filter((check) => check.status === "failed")
        .map(
          (check) =>
            `${fullName(check)}: expected ${check.expected}; measured ${check.measured}` +
            (check.detail === "" ? "" : ` (${check.detail})`),
        ),
    ),
    ...listed("Ended early:", evidence.interruption === null ? [] : [evidence.interruption]),
    ...listed("Not real:", [
      ...evidence.standIns.map((it) => `${it.name} in place of ${it.inPlaceOf}`),
      ...evidence.absent.map((it) => `${it.name} absent`),
    ]),
    "",
    `Took ${duration(elapsedSeconds(evidence))}. Report: ${files.report}`,
    `Evidence: ${files.evidence}`,
  ];
  return plainText(lines);
}

function phaseLine(phase: PhaseResult): string {
  const { runbook, title, status, seconds, checks } = phase;
  const line = (word: string, counts: string) =>
    `  ${runbook.padEnd(6)} ${word.padEnd(8)} ${title}  ${counts}`.trimEnd();
  if (status === "skipped") return line(words.skipped, "");
  if (status === "passed" && !isProven(phase)) return line("declared", "not checked");
  const { passed, failed } = tally(checks);
  return line(words[status], `${passed}/${passed + failed} in ${duration(seconds)}`);
}

function listed(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : ["", title, ...items.map((item) => `  ${oneLine(item)}`)];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
