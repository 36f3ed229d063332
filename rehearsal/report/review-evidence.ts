import { z } from "zod";
import { check, statusOf, type Status } from "./evidence.ts";

const text = z.string().min(1);
const seconds = z.number().nonnegative();

/** What is left to see for people, and where. */
const left = z.array(text);

const phase = z.strictObject({
  id: text,
  runbook: text,
  title: text,
  checks: z.array(check).min(1),
  seconds,
});

const reviewEvidence = z
  .strictObject({
    version: z.literal(1),
    verdict: z.enum(["passed", "failed"]),
    run: z.strictObject({ stack: text, product: text, host: text, reviewedAt: z.iso.datetime() }),
    /** As it was recorded. */
    deployment: z.strictObject({
      number: z.int().positive(),
      release: text,
      from: text.nullable(),
      level: text,
      at: text,
      by: text,
      reason: text.nullable(),
      emergency: z.boolean(),
    }),
    /** From the command to the end of the run that brought it to its end; null when none did, or nobody knows. */
    seconds: seconds.nullable(),
    /** Longest time promised; null for a change that goes forward. */
    promisedSeconds: seconds.nullable(),
    /** Parts of the change by when they were done. */
    parts: z.array(z.strictObject({ name: text, endSeconds: seconds })),
    phases: z.array(phase).min(1),
    /** Files with what the release left behind that was taken back. */
    kept: z.array(text),
    byHand: left,
    /** What people are told; null for a change that goes forward. */
    notification: text.nullable(),
  })
  .refine((it) => it.verdict === verdictOf(it), {
    message: "the verdict follows from the checks",
    path: ["verdict"],
  });

export type ReviewEvidence = z.infer<typeof reviewEvidence>;

/** Evidence of one look at what runs. Throws a ZodError when the findings do not fit. */
export function assembleReviewEvidence(
  findings: Omit<ReviewEvidence, "version" | "verdict">,
): ReviewEvidence {
  return parseReviewEvidence({ version: 1, verdict: verdictOf(findings), ...findings });
}

/** Checked evidence from JSON read back; throws a ZodError naming each field that does not fit. */
export function parseReviewEvidence(json: unknown): ReviewEvidence {
  return reviewEvidence.parse(json);
}

interface Outcome {
  readonly phases: readonly { readonly checks: readonly { readonly status: Status }[] }[];
}

function verdictOf({ phases }: Outcome): "passed" | "failed" {
  return statusOf(phases.flatMap(({ checks }) => checks)) === "passed" ? "passed" : "failed";
}
