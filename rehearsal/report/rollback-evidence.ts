import { z } from "zod";
import { type Status, check, objective, statusOf } from "./evidence.ts";

const text = z.string().min(1);
const seconds = z.number().nonnegative();
const count = z.int().nonnegative();

/** One change under traffic: what was promised, what was measured, and what is left for people. */
const change = z.strictObject({
  from: text,
  to: text,
  back: z.boolean(),
  /** As it was computed and recorded: upgrade, app, config, full. */
  level: text,
  reason: text,
  /** From the flag to the end of the run, all gates passed. */
  seconds,
  /** Longest time promised; null for a change that goes forward. */
  promisedSeconds: seconds.nullable(),
  parts: z.array(z.strictObject({ name: text, startSeconds: seconds, seconds })),
  traffic: z.strictObject({
    /** Rows that the entry acknowledged during the change. */
    acknowledged: count,
    failed: count,
    /** Longest time in which nothing was acknowledged. */
    gapSeconds: seconds,
  }),
  /** Of all rows acknowledged so far: missing ones were written after the restore point and are counted as lost. */
  rows: z.strictObject({ compared: count, missing: count, lostSincePoint: count }),
  checks: z.array(check),
  /** Files with what the release left behind that was taken back. */
  kept: z.array(text),
  /** What people are told; null for a change that goes forward. */
  notification: text.nullable(),
});

const rollbackEvidence = z
  .strictObject({
    version: z.literal(1),
    verdict: z.enum(["passed", "failed"]),
    /** Why it ended before the last change; null when it did not. */
    interruption: text.nullable(),
    run: z.strictObject({
      startedAt: z.iso.datetime(),
      finishedAt: z.iso.datetime(),
      product: text,
      host: text,
    }),
    changes: z.array(change),
    /** What the program refused, and the ways out that it printed. */
    refusals: z.array(z.strictObject({ tried: text, said: text })),
    objectives: z.array(objective),
  })
  .refine((it) => it.verdict === verdictOf(it), {
    message: "the verdict follows from checks, objectives and interruption",
    path: ["verdict"],
  });

export type RollbackEvidence = z.infer<typeof rollbackEvidence>;
export type ChangeEvidence = RollbackEvidence["changes"][number];

/** Evidence of one rehearsal of rollbacks. Throws a ZodError when the findings do not fit. */
export function assembleRollbackEvidence(
  findings: Omit<RollbackEvidence, "version" | "verdict">,
): RollbackEvidence {
  return parseRollbackEvidence({ version: 1, verdict: verdictOf(findings), ...findings });
}

/** Checked evidence from JSON read back; throws a ZodError naming each field that does not fit. */
export function parseRollbackEvidence(json: unknown): RollbackEvidence {
  return rollbackEvidence.parse(json);
}

interface Outcome {
  readonly interruption: string | null;
  readonly changes: readonly { checks: readonly { status: Status }[] }[];
  readonly objectives: readonly { status: string }[];
}

function verdictOf(it: Outcome): "passed" | "failed" {
  const missed = it.objectives.some(({ status }) => status === "missed");
  const checks = it.changes.flatMap((one) => one.checks);
  return it.interruption === null && !missed && statusOf(checks) === "passed" ? "passed" : "failed";
}
