import type { ChangeEvidence } from "../report/rollback-evidence.ts";
import { duration } from "../report/words.ts";

type Facts = Pick<
  ChangeEvidence,
  "from" | "to" | "level" | "reason" | "seconds" | "traffic" | "rows" | "checks"
> & { readonly product: string; readonly host: string; readonly at: Date };

const levels: Readonly<Record<string, string>> = {
  app: "code; configuration and data stayed as they were",
  config: "code and configuration; the data stayed as it was",
  full: "code, configuration and data",
};

/** What to tell people once a rollback has ended: ready for a chat, a status page or an incident's record. */
export function notification(facts: Facts): string {
  const { product, host, from, to, level, reason, seconds, traffic, at } = facts;
  const failed = facts.checks.filter(({ status }) => status === "failed");
  const names = failed.map(({ name, region = "both" }) => `${name} (${region})`);
  const when = `${at.toISOString().slice(0, 16)}Z`;
  const isOver = failed.length === 0;
  return [
    isOver
      ? `RESOLVED: ${product} is back on ${to} (${when})`
      : `NOT RESOLVED: ${product} went back to ${to}, and not all of it is as it was (${when})`,
    isOver ? `https://${host} serves again.` : `Failed: ${names.join(", ")}.`,
    `${from} was taken back: ${reason}.`,
    `Went back: ${levels[level] ?? level}. It took ${duration(seconds)}; ${String(traffic.failed)} requests failed meanwhile, the longest gap between two answered writes was ${duration(traffic.gapSeconds)}.`,
    ...lostIn(facts),
    `${from} cannot be deployed again until somebody gives a reason (lifeline:change.allowRetry). Logs and events of it are kept.`,
    `Next: ${isOver ? "" : "what failed; then "}incident record, cause within 24 hours, repaired release after that.`,
  ].join("\n");
}

function lostIn({ rows: { missing, lostSincePoint } }: Facts): string[] {
  if (missing === 0 && lostSincePoint === 0) return ["No acknowledged row was lost."];
  return [
    ...(missing === 0
      ? []
      : [`${String(missing)} acknowledged rows are missing, and should not be.`]),
    ...(lostSincePoint === 0
      ? []
      : [
          `${String(lostSincePoint)} rows written after the restore point are not in the database any more; they are in the export.`,
        ]),
  ];
}
