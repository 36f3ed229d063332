import type { RollbackEvidence } from "./rollback-evidence.ts";
import { duration, plainText } from "./words.ts";
import type { ReportFiles } from "./write.ts";

/** What came out of a rehearsal of rollbacks, as plain text for the end of a terminal run. */
export function summarizeRollback(evidence: RollbackEvidence, files: ReportFiles): string {
  const { verdict, changes, objectives, interruption } = evidence;
  const failed = changes.flatMap(({ from, to, checks }) =>
    checks
      .filter(({ status }) => status === "failed")
      .map(
        ({ name, region = "both", expected, measured, detail }) =>
          `  ${from} to ${to}: ${name} (${region}): expected ${expected}; measured ${measured} ${detail}`,
      ),
  );
  const lines = [
    verdict === "passed" ? "PASSED" : "FAILED",
    "",
    ...changes.map(({ from, to, level, seconds, promisedSeconds, traffic, rows }) => {
      const promise = promisedSeconds === null ? "" : ` of ${duration(promisedSeconds)}`;
      return (
        `  ${from} to ${to}  ${level.padEnd(8)} ${duration(seconds)}${promise}, ` +
        `${String(traffic.failed)} requests failed, ${String(rows.compared)} rows compared, ` +
        `${String(rows.missing)} missing, ${String(rows.lostSincePoint)} after the restore point`
      );
    }),
    "",
    ...objectives.flatMap((it) =>
      "measured" in it ? [`  ${it.scenario}: ${it.objective}: ${it.status}, ${it.measured}`] : [],
    ),
    ...(failed.length === 0 ? [] : ["", "In the way:", ...failed]),
    ...(interruption === null ? [] : ["", "Ended early:", `  ${interruption}`]),
    "",
    `Report: ${files.report}`,
    `Evidence: ${files.evidence}`,
  ];
  return plainText(lines);
}
