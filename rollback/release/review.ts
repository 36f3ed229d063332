import { objectives } from "../../components/lib/objectives.ts";
import { check, skipped } from "../../rehearsal/checks/check.ts";
import { runPhase } from "../../rehearsal/checks/go-live.ts";
import { backendHealth, primaryEndpoint } from "../../rehearsal/checks/integration.ts";
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
import { endsOf } from "../../rehearsal/rollback/phases.ts";
import { outcome } from "../../rehearsal/verify.ts";
import { outcomeOf, type ChangeType, type Deployment } from "../record.ts";
import { keptSince, type KeepOptions } from "./keep.ts";
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
  const span = runs && spanOf(runs, Date.parse(deployment.at));
  const kept =
    deployment.from === undefined
      ? []
      : keptSince(report, stack, deployment.from, beginOf(live, deployment.from));
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
  const promisedSeconds = promises[deployment.type] ?? null;
  const checks = found.flatMap((phase) => phase.checks);
  const { product, host } = config;
  const now = new Date();
  const evidence = assembleReviewEvidence({
    run: { stack, product, host, reviewedAt: now.toISOString() },
    deployment: {
      ...{ number: deployment.number, release: deployment.release, at: deployment.at },
      ...{ by: deployment.by, level: deployment.type, emergency: deployment.emergency === true },
      ...{ from: deployment.from ?? null, reason: deployment.reason ?? null },
    },
    seconds: span === undefined ? null : secondsOf(span),
    promisedSeconds,
    // They are those of a way back.
    parts: span === undefined || promisedSeconds === null ? [] : endsOf(known.changed, span),
    phases: found,
    kept,
    byHand: leftByHand(stack),
    notification:
      promisedSeconds === null
        ? null
        : notification({
            ...{ product, host, checks, at: now, to: deployment.release, level: deployment.type },
            from: deployment.from ?? deployment.release,
            reason: deployment.reason ?? "no reason was given",
            isKept: kept.length > 0,
            ...(span !== undefined && { seconds: secondsOf(span) }),
          }),
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

/** Where only people can look. */
const leftByHand = (stack: string): string[] => [
  `nothing differs from what is declared: pulumi preview --refresh --expect-no-changes --stack ${stack}`,
  "error rate and response time are back at what they were, and stay there for two hours: your dashboards",
  "no alert fires: your alert manager",
  "what users do works: signing in, what they pay for, mail and hooks to others",
  "support, status page and incident channel have the notification",
  "an incident record is open, with what was kept; the cause within 24 hours",
];

function look(id: (typeof phases)[number], { regions, subject }: Live) {
  // The rest of this phase asks the sample application for what only that has.
  return id === "integration" ? together({ regions, subject }) : runPhase(id, regions, subject);
}

async function together({ regions, subject }: Pick<Live, "regions" | "subject">) {
  const started = performance.now();
  const checks = await Promise.all(
    regions.flatMap((region) => [backendHealth(region, subject), primaryEndpoint(region, subject)]),
  );
  return { checks, seconds: (performance.now() - started) / 1000 };
}

/** What a change promises beside a release that works. */
async function changePhase(
  { state, deployment }: Live,
  timed: { readonly span: Span | undefined } | undefined,
  kept: readonly string[],
): Promise<Phase> {
  const { number, type, from, at, release } = deployment;
  const checks: Promise<CheckResult>[] = [
    check({ name: "The change came to its end" }, () => {
      const measured = outcomeOf(deployment, state.finished);
      return { ok: measured === "finished", expected: "finished", measured };
    }),
  ];
  const promised = promises[type];
  if (promised !== undefined) {
    checks.push(withinPromise(promised, timed));
    checks.push(
      kept.length > 0
        ? check({ name: `Evidence of ${from ?? "what ran before"} is kept` }, () => ({
            ...{ ok: true, expected: "logs, events, pods, record" },
            measured: `${String(kept.length)} files`,
          }))
        : Promise.resolve(
            skipped(
              { name: `Evidence of ${from ?? "what ran before"} is kept` },
              "None lies beside this report: npm run release -- keep, before the next one is taken back.",
            ),
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
  const name = "As fast as promised";
  if (timed === undefined)
    return Promise.resolve(skipped({ name }, "The engine was not asked when its runs ended."));
  return check({ name }, () => ({
    ok: timed.span !== undefined && secondsOf(timed.span) <= promised,
    expected: `at most ${duration(promised)}`,
    measured: timed.span === undefined ? "no run ended well" : duration(secondsOf(timed.span)),
  }));
}

const secondsOf = ([startedAt, finishedAt]: Span): number => (finishedAt - startedAt) / 1000;

/** When a release began to run. */
function beginOf({ state }: Live, release: string): Date {
  const began = state.record.deployments.findLast((it: Deployment) => it.release === release)?.at;
  return new Date(began ?? 0);
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
