import { objectives } from "../../components/lib/objectives.ts";
import { check } from "../../rehearsal/checks/check.ts";
import { runPhase } from "../../rehearsal/checks/go-live.ts";
import { reportsRelease, servesMetrics } from "../../rehearsal/checks/contract.ts";
import { primaryEndpoint } from "../../rehearsal/checks/integration.ts";
import { agentMetrics, postgresMetrics, targetsUp } from "../../rehearsal/checks/monitoring.ts";
import type { RegionUnderTest, Subject } from "../../rehearsal/checks/subject.ts";
import { cache } from "../../rehearsal/paths.ts";
import { runTasks } from "../../rehearsal/progress.ts";
import { exitCode, Problem } from "../../rehearsal/problem.ts";
import type { CheckResult } from "../../rehearsal/report/evidence.ts";
import { goLiveRunbook } from "../../rehearsal/report/phases.ts";
import {
  assembleReviewEvidence,
  type ReviewEvidence,
} from "../../rehearsal/report/review-evidence.ts";
import { duration } from "../../rehearsal/report/words.ts";
import { writeReview } from "../../rehearsal/report/write.ts";
import { notification } from "../../rehearsal/rollback/notification.ts";
import { keptParts } from "../../rehearsal/rollback/kept.ts";
import { endsOf } from "../../rehearsal/rollback/phases.ts";
import { outcome } from "../../rehearsal/verify.ts";
import { findProgram } from "../../rehearsal/toolchain/machine.ts";
import { acquireTools } from "../../rehearsal/toolchain/toolchain.ts";
import {
  attemptsOf,
  denialOf,
  outcomeOf,
  restoredAs,
  type ChangeType,
  type Deployment,
} from "../record.ts";
import { quoted } from "../shell.ts";
import { keptBetween, type KeepOptions, type KeptRelease } from "./keep.ts";
import { openLive, type Live } from "./live.ts";
import { spanOf, type EngineRun, type Span } from "./runs.ts";

export interface ReviewOptions extends KeepOptions {
  /** Updates of the stack; undefined where its engine cannot be asked. */
  readonly runs: (() => Promise<readonly EngineRun[]>) | undefined;
  /** Print the evidence to stdout. */
  readonly json: boolean;
}

type Phase = ReviewEvidence["phases"][number];

/** What the runbook looks at after a rollback, and holds after a go-live as well. */
const phases = ["application", "database", "data", "gateway", "integration", "monitoring"] as const;

const promises: Readonly<Partial<Record<ChangeType, number>>> = {
  app: objectives.appRollback.recoverySeconds,
  config: objectives.configRollback.recoverySeconds,
  full: objectives.fullRollback.recoverySeconds,
  database: objectives.fullRollback.recoverySeconds,
};

/**
 * Looks at what the last deployment left, in both regions, and files it: times against what is promised, the runbook's
 * checks, what was kept of the release before, and what to tell people. Changes nothing.
 * @throws Problem when a check failed
 */
export async function reviewRelease(options: ReviewOptions): Promise<void> {
  const { known, report } = options;
  const { stack } = known;
  const live = await openLive(options);
  const { config, deployment } = live;
  const runs = await options.runs?.();
  const span = runs && spanOf(runs, live.begun.getTime());
  const kept = keptOf(live, { report, stack });
  const found: Phase[] = [await changePhase(live, runs && { span }, kept)];
  await runTasks(
    phases.map((id) => ({
      title: titleOf(id).title,
      run: async () => {
        const { checks, seconds } = await look(id, live);
        found.push({ ...titleOf(id), id, checks, seconds });
        return outcome(checks);
      },
    })),
  );
  const { product, host } = config;
  const now = new Date();
  const promisedSeconds = promises[deployment.type] ?? null;
  const evidence = assembleReviewEvidence({
    run: { stack, product, host, reviewedAt: now.toISOString() },
    deployment: recordOf(deployment),
    seconds: span === undefined ? null : secondsOf(span),
    promisedSeconds,
    // They are those of a way back.
    parts: span === undefined || promisedSeconds === null ? [] : endsOf(known.changed, span),
    phases: found,
    kept: [...kept.files],
    byHand: leftByHand(options),
    notification: isWayBack(live)
      ? notification({
          ...{ product, host, at: now, to: deployment.release, level: deployment.type },
          checks: found.flatMap((phase) => phase.checks),
          from: deployment.from ?? deployment.release,
          reason: deployment.reason ?? "no reason was given",
          isKept: kept.isWhole,
          isLossy: isLossy(live),
          ...(span !== undefined && { seconds: secondsOf(span) }),
        })
      : null,
  });
  const files = writeReview(evidence, report, []);
  console.log(options.json ? JSON.stringify(evidence) : inWords(evidence, files.report));
  if (evidence.verdict === "failed") {
    throw new Problem(
      `${deployment.release} does not run as it should; ${files.report} says what is wrong.`,
      exitCode.failed,
    );
  }
}

/** Something was taken back; a release that goes forward with older data is something else. */
function isWayBack({ state, deployment: { type, from = "" } }: Live): boolean {
  return type === "database" || denialOf(state.record, from) !== undefined;
}

/** Whether the data went back to a moment, and not only into another volume. */
function isLossy({ state, deployment: { type, generation } }: Live): boolean {
  const from = restoredAs(state.record, generation)?.from;
  return (type === "full" || type === "database") && from !== undefined && !("latest" in from);
}

function recordOf(deployment: Deployment): ReviewEvidence["deployment"] {
  const { number, release, at, by, type, from, reason, emergency } = deployment;
  return {
    ...{ number, release, at, by, level: type, emergency: emergency === true },
    ...{ from: from ?? null, reason: reason ?? null },
  };
}

/** Where only people can look. */
const leftByHand = ({ known, isRehearsal }: ReviewOptions): string[] => [
  ...(isRehearsal
    ? []
    : [
        `nothing differs from what is declared: pulumi preview --refresh --expect-no-changes --stack ${quoted(known.stack)}`,
      ]),
  "error rate and response time are back at what they were, and stay there for two hours: your dashboards",
  "no alert fires: your alert manager",
  "what users do works: signing in, what they pay for, mail and hooks to others",
  "support, status page and incident channel have the notification",
  "an incident record is open, with what was kept; the cause within 24 hours",
];

/** Two phases of a go-live ask the sample application for more than an application has to say. */
async function look(id: (typeof phases)[number], { regions, subject }: Live) {
  if (id !== "integration" && id !== "monitoring") return runPhase(id, regions, subject);
  const started = performance.now();
  const checks = await Promise.all(regions.flatMap((region) => asked[id](region, subject)));
  return { checks, seconds: (performance.now() - started) / 1000 };
}

type RegionChecks = (region: RegionUnderTest, subject: Subject) => Promise<CheckResult>[];

const asked: Readonly<Record<"integration" | "monitoring", RegionChecks>> = {
  integration: (region, subject) => [
    reportsRelease(region, subject),
    primaryEndpoint(region, subject),
  ],
  monitoring: (region, subject) => [
    servesMetrics(region, subject, "backend"),
    servesMetrics(region, subject, "frontend"),
    postgresMetrics(region, subject),
    agentMetrics(region, subject),
    targetsUp(region, subject),
  ],
};

/** What a change promises beside a release that works. */
async function changePhase(
  { state, deployment }: Live,
  timed: { readonly span: Span | undefined } | undefined,
  kept: KeptRelease,
): Promise<Phase> {
  const { number, type, from = "what ran before", at, release } = deployment;
  const checks: Promise<CheckResult>[] = [
    check({ name: "The change came to its end" }, () => {
      const measured = outcomeOf(deployment, state.finished);
      return { ok: measured === "finished", expected: "finished", measured };
    }),
  ];
  const promised = promises[type];
  if (promised !== undefined) {
    checks.push(withinPromise(promised, timed));
    const unkept =
      kept.files.length > 0
        ? "Not all of it; missing.txt beside it says what, unless it was ended half-way."
        : "None lies beside this report: npm run release -- keep, before the next one is taken back.";
    checks.push(
      check({ name: `Evidence of ${from} is kept` }, () =>
        kept.isWhole
          ? {
              ...{ ok: true, expected: keptParts.join(", ") },
              measured: `${String(kept.files.length)} files`,
            }
          : { skipped: unkept },
      ),
    );
  }
  return {
    ...{
      id: "change",
      runbook: `#${String(number)}`,
      title: `${release}, begun ${at.slice(0, 16)}Z`,
    },
    checks: await Promise.all(checks),
    seconds: timed?.span === undefined ? 0 : secondsOf(timed.span),
  };
}

function withinPromise(
  promised: number,
  timed: { readonly span: Span | undefined } | undefined,
): Promise<CheckResult> {
  return check({ name: "As fast as promised" }, () =>
    timed === undefined
      ? { skipped: "The engine was not asked when its runs ended." }
      : {
          ok: timed.span !== undefined && secondsOf(timed.span) <= promised,
          expected: `at most ${duration(promised)}`,
          measured:
            timed.span === undefined ? "no run ended well" : duration(secondsOf(timed.span)),
        },
  );
}

const secondsOf = ([startedAt, finishedAt]: Span): number => (finishedAt - startedAt) / 1000;

/** What was kept of the release before, from when it began until this change did. */
function keptOf(
  { state, deployment, begun, regions }: Live,
  { report, stack }: { report: string; stack: string },
): KeptRelease {
  const release = deployment.from ?? deployment.release;
  const before = state.record.deployments.filter(({ at }) => Date.parse(at) < begun.getTime());
  const [first] = attemptsOf({ ...state.record, deployments: before });
  const since = new Date(first?.at ?? 0);
  const names = regions.map(({ name }) => name);
  return keptBetween(report, { stack, release, regions: names }, [since, begun]);
}

/** @throws Problem where there is none */
export async function kubectlFor(isRehearsal: boolean): Promise<string> {
  if (isRehearsal) {
    const reporter = () => ({ status: () => undefined });
    return (await acquireTools(["kubernetes"], { cache, reporter })).bin.kubectl;
  }
  const found = await findProgram("kubectl", process.env["PATH"] ?? "");
  if (found === undefined)
    throw new Problem("kubectl is not on PATH. Fix: install it.", exitCode.cannotRun);
  return found;
}

function titleOf(id: (typeof phases)[number]): Pick<Phase, "runbook" | "title"> {
  const { runbook = id, title = id } = goLiveRunbook.find((it) => it.id === id) ?? {};
  return { runbook, title };
}

function inWords(
  { verdict, phases: found, byHand, notification: told }: ReviewEvidence,
  file: string,
) {
  const failed = found.flatMap(({ checks }) =>
    checks
      .filter(({ status }) => status === "failed")
      .map(
        ({ name, region = "both", expected, measured, detail }) =>
          `  ${name} (${region}): expected ${expected}; measured ${measured} ${detail}`,
      ),
  );
  return [
    ...["", verdict === "passed" ? "PASSED" : "FAILED", ...failed],
    ...["", "Left for people:", ...byHand.map((line) => `  ${line}`)],
    ...(told === null ? [] : ["", "Notification:", told.replace(/^/gm, "  ")]),
    ...["", `Report: ${file}`],
  ].join("\n");
}
