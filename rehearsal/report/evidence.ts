import { z } from "zod";
import { goLiveRunbook, phaseIds } from "./phases.ts";
import type { PhaseId } from "./phases.ts";

/** Raised whenever a reader of older evidence would misunderstand the newer. */
export const evidenceVersion = 1;

const text = z.string().min(1);
const seconds = z.number().nonnegative();
const count = z.int().nonnegative();
const status = z.enum(["passed", "failed", "skipped"]);

export const check = z
  .strictObject({
    name: text,
    /** The region it looked at; absent when it looked at the whole. */
    region: text.optional(),
    status,
    seconds,
    expected: z.string(),
    measured: z.string(),
    /** Why it failed or was skipped, or what else is worth knowing. */
    detail: z.string(),
  })
  .refine((it) => it.status !== "skipped" || it.detail.trim() !== "", {
    message: "a skipped check says why in `detail`",
    path: ["detail"],
  });

const phase = z
  .strictObject({
    id: z.enum(phaseIds),
    runbook: text,
    title: text,
    checks: z.array(check).min(1),
    status,
    seconds,
  })
  .refine((it) => it.status === statusOf(it.checks), {
    message: "a phase's status follows from its checks",
    path: ["status"],
  });

const workload = z.strictObject({ ready: count, desired: count });

const region = z.strictObject({
  name: text,
  role: z.enum(["primary", "standby"]),
  context: text,
  address: text,
  milestones: z.array(z.strictObject({ name: text, seconds })),
  /** What ran at the end, by component; null when it could not be read. */
  workloads: z
    .strictObject({ gateway: workload, frontend: workload, backend: workload, postgres: workload })
    .nullable(),
});

/** What images/postgres/proof/report.py files. */
const proof = z.strictObject({
  startedAt: text,
  finishedAt: text,
  region: text,
  /** Of the data. */
  generation: z.int().positive(),
  result: z.enum(["green", "red"]),
  /** Why it is red; null when it is green. */
  reason: text.nullable(),
  measuredRpoSeconds: seconds.nullable(),
  measuredRtoSeconds: seconds.nullable(),
  /** The rungs of the ladder, as far as it was climbed. */
  phases: z.array(z.strictObject({ name: text, seconds, ok: z.boolean(), detail: z.string() })),
});

export const objective = z.discriminatedUnion("status", [
  z.strictObject({
    scenario: text,
    objective: text,
    status: z.enum(["met", "missed"]),
    measured: text,
  }),
  z.strictObject({
    scenario: text,
    objective: text,
    status: z.literal("not measured in this run"),
  }),
]);

const evidence = z
  .strictObject({
    version: z.literal(evidenceVersion),
    verdict: z.enum(["passed", "failed"]),
    /** Why the rehearsal ended before its last phase; null when it did not. */
    interruption: text.nullable(),
    run: z.strictObject({
      startedAt: z.iso.datetime(),
      finishedAt: z.iso.datetime(),
      product: text,
      release: text,
      host: text,
      machine: z.strictObject({
        os: text,
        kernel: text,
        architecture: text,
        cores: z.int().positive(),
        memoryGib: z.number().positive(),
      }),
      /** Commit of this repository, if it is a clone; null outside one. */
      commit: text.nullable(),
    }),
    tools: z.array(
      z.strictObject({
        name: text,
        version: text,
        how: z.enum(["found", "downloaded", "built"]),
        seconds,
      }),
    ),
    regions: z.array(region),
    standIns: z.array(z.strictObject({ name: text, inPlaceOf: text, limits: text })),
    absent: z.array(z.strictObject({ name: text, consequence: text })),
    images: z.array(z.strictObject({ name: text, reference: text, seconds, cached: z.boolean() })),
    phases: z.array(phase),
    /** The restore proof of each region in which it came to a report. */
    proofs: z.array(proof),
    /** Each run of the program, in order. */
    runs: z.array(
      z.strictObject({
        name: text,
        seconds,
        created: count,
        updated: count,
        replaced: count,
        deleted: count,
        unchanged: count,
      }),
    ),
    objectives: z.array(objective),
  })
  .refine((it) => it.phases.map((p) => p.id).join() === phaseIds.join(), {
    message: `every phase of the go-live runbook, in order: ${phaseIds.join(", ")}`,
    path: ["phases"],
  })
  .refine((it) => it.verdict === verdictOf(it), {
    message: "the verdict follows from phases, objectives and interruption",
    path: ["verdict"],
  });

export type Evidence = z.infer<typeof evidence>;
export type CheckResult = z.infer<typeof check>;
export type PhaseResult = z.infer<typeof phase>;
export type Status = z.infer<typeof status>;
export type RegionEvidence = z.infer<typeof region>;
export type ObjectiveResult = z.infer<typeof objective>;
export type Proof = z.infer<typeof proof>;
export type RunSummary = Evidence["runs"][number];

/** What a rehearsal hands in; everything that can be derived is left to `assembleEvidence`. */
export type Findings = Omit<Evidence, "version" | "verdict" | "phases"> & {
  readonly phases: Partial<Record<PhaseId, { checks: CheckResult[]; seconds: number }>>;
};

/**
 * Evidence of one rehearsal. A phase that did not run, or ran no check, is there as skipped with
 * its reason. Throws a ZodError when the findings do not fit the schema.
 */
export function assembleEvidence(findings: Findings): Evidence {
  const phases = goLiveRunbook.map(({ id, runbook, title }): PhaseResult => {
    const found = findings.phases[id];
    const checks = found?.checks.length ? found.checks : [notRun(findings.interruption)];
    return { id, runbook, title, checks, status: statusOf(checks), seconds: found?.seconds ?? 0 };
  });
  const whole = { ...findings, phases };
  return parseEvidence({ version: evidenceVersion, verdict: verdictOf(whole), ...whole });
}

/** Checked evidence from JSON read back; throws a ZodError naming each field that does not fit. */
export function parseEvidence(json: unknown): Evidence {
  return evidence.parse(json);
}

/** A checked report of a restore proof; throws a ZodError naming each field that does not fit. */
export const parseProof = (json: unknown): Proof => proof.parse(json);

/** Name of the check that says what the engine made of a phase; of what runs it measures nothing. */
export const declaredCheckName = "Declared and ready";

/** Whether the phase passed by more than what the engine said of it. */
export const isProven = ({ status, checks }: Pick<PhaseResult, "status" | "checks">): boolean =>
  status === "passed" &&
  checks.some((it) => it.status === "passed" && it.name !== declaredCheckName);

/** The worst wins; a phase in which nothing ran is skipped, never passed. */
export function statusOf(checks: readonly { status: Status }[]): Status {
  if (checks.some((it) => it.status === "failed")) return "failed";
  return checks.some((it) => it.status === "passed") ? "passed" : "skipped";
}

interface Outcome {
  readonly interruption: string | null;
  readonly phases: readonly { status: Status }[];
  readonly objectives: readonly { status: ObjectiveResult["status"] }[];
}

function verdictOf(it: Outcome): "passed" | "failed" {
  const missed = it.objectives.some((objective) => objective.status === "missed");
  return it.interruption === null && !missed && statusOf(it.phases) === "passed"
    ? "passed"
    : "failed";
}

function notRun(interruption: string | null): CheckResult {
  return {
    name: "Not run",
    status: "skipped",
    seconds: 0,
    expected: "",
    measured: "",
    detail:
      interruption === null
        ? "This rehearsal did not include the phase."
        : `The rehearsal ended before it: ${interruption}`,
  };
}
