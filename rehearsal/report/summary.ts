import type { Evidence, Status } from "./evidence.ts";
import { checksOf, duration, elapsedSeconds, fullName, headline, tally } from "./words.ts";
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
    ...evidence.phases.map(({ runbook, title, status, seconds, checks }) => {
      const { passed, failed } = tally(checks);
      const counts =
        status === "skipped" ? "" : `${passed}/${passed + failed} in ${duration(seconds)}`;
      return `  ${runbook.padEnd(6)} ${words[status].padEnd(8)} ${title}  ${counts}`.trimEnd();
    }),
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
  // What a cluster said must not steer the terminal.
  return `${lines.join("\n").replace(/[\x00-\x09\x0b-\x1f\x7f]/g, " ")}\n`;
}

function listed(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : ["", title, ...items.map((item) => `  ${oneLine(item)}`)];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
