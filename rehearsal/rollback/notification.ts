import type { ChangeEvidence } from "../report/rollback-evidence.ts";
import { duration } from "../report/words.ts";

type Facts = Pick<ChangeEvidence, "from" | "to" | "level" | "reason" | "checks"> & {
  readonly product: string;
  readonly host: string;
  readonly at: Date;
  /** Whether somebody kept what the release left behind. */
  readonly isKept: boolean;
  /** Whether the data went back to a moment of before. */
  readonly isLossy?: boolean;
  /** What follows is undefined where nobody measured it. */
  readonly seconds?: number;
  readonly traffic?: ChangeEvidence["traffic"];
  readonly rows?: ChangeEvidence["rows"];
};

const levels: Readonly<Record<string, string>> = {
  app: "code; configuration and data stayed as they were",
  config: "code and configuration; the data stayed as it was",
  full: "code, configuration and data",
  database: "the data; code and configuration stayed as they were",
};

/** What to tell people once a rollback has ended: ready for a chat, a status page or an incident's record. */
export function notification(facts: Facts): string {
  const { product, host, from, to, level, reason, seconds, traffic, at } = facts;
  const took = seconds === undefined ? "" : ` It took ${duration(seconds)}${during(traffic)}.`;
  const denied = `${from} cannot be deployed again until somebody gives a reason (lifeline:change.allowRetry).`;
  const failed = facts.checks.filter(({ status }) => status === "failed");
  const names = failed.map(({ name, region = "both" }) => `${name} (${region})`);
  const when = `${at.toISOString().slice(0, 16)}Z`;
  const isOver = failed.length === 0;
  return [
    isOver
      ? `RESOLVED: ${product} is back on ${to} (${when})`
      : `NOT RESOLVED: ${product} went back to ${to}, and not all of it is as it was (${when})`,
    isOver ? `https://${host} serves again.` : `Failed: ${names.join(", ")}.`,
    `${from === to ? `Its data went back` : `${from} was taken back`}: ${reason}.`,
    `Went back: ${levels[level] ?? level}.${took}`,
    ...lostIn(facts),
    ...(from === to ? [] : [denied]),
    ...(facts.isKept ? [`Logs and events of ${from} are kept.`] : []),
    `Next: ${isOver ? "" : "what failed; then "}incident record, cause within 24 hours, repaired release after that.`,
  ].join("\n");
}

const during = (traffic: Facts["traffic"]): string =>
  traffic === undefined
    ? ""
    : `; ${String(traffic.failed)} requests failed meanwhile, the longest gap between two answered writes was ${duration(traffic.gapSeconds)}`;

function lostIn({ rows, isLossy = false }: Facts): string[] {
  if (rows === undefined) {
    return isLossy
      ? [
          "What was written after the moment that the data went back to is not in the database any more; it is in the export of lost rows, as far as the data of before could be asked.",
        ]
      : [];
  }
  const { missing, lostSincePoint } = rows;
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
