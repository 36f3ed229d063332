import * as pulumi from "@pulumi/pulumi";

import { ConfigError, dataTarget, type Config, type Problem, type Release } from "../config.ts";
import { repeatsItself } from "./change.ts";
import { set } from "./commands.ts";
import { decide, type Decision, type Refusal, type Way } from "./decide.ts";
import {
  restoredAs,
  restorePointsOf,
  writeRecord,
  type RecordState,
  type Restored,
} from "./record.ts";
import type { Settings } from "./settings.ts";
import { inOneLine, waysAround, waysBack } from "./ways-back.ts";

export interface JudgedChange {
  readonly stack: string;
  readonly config: Config;
  /** The stack file as it is written, without secrets. */
  readonly settings: Settings;
  readonly releases: readonly Release[];
  readonly state: RecordState | undefined;
  readonly now: Date;
  readonly user: string;
}

/** What a run keeps, and what it calls the way back. */
export interface Judged {
  readonly record: string;
  /** Taken before the release's migrations, oldest first. */
  readonly restorePoints: readonly string[];
  /** Number of the deployment that this run makes, or makes again. */
  readonly deployment: number;
  /** How the serving generation of the data was made; undefined where it began empty. */
  readonly restored?: Restored;
  readonly ways: readonly Way[];
  /** What to do should the restore be refused that this run asks for. */
  readonly aroundRestore: readonly Way[];
}

/**
 * The record that this run leaves, and the ways back should it stop. Says aloud which way back it is itself, and what is
 * promised for it.
 * @throws ConfigError when the change is not safe as asked for, with the commands that are
 */
export function judgeChange({ stack, config, settings, ...rest }: JudgedChange): Judged {
  const situation = {
    ...rest,
    stack,
    target: config.release,
    data: dataTarget(config),
    change: config.change,
    restoreWindowDays: config.backups.restoreWindowDays,
  };
  const decision = decide(situation);
  if (decision.verdict === "refused") {
    throw new ConfigError(stack, [problemOf(config.release.version, decision)]);
  }
  const { record } = decision;
  const ways = waysBack(situation, record, settings);
  announce(decision, ways);
  if (decision.verdict === "go") warnOfMove(stack, config.activeRegion, rest.state);
  if (decision.verdict === "go" && repeatsItself(situation)) {
    void pulumi.log.info(
      `lifeline:change: what it says was recorded with an earlier deployment of ${config.release.version}; this one is recorded without it. To say why this one is made, set lifeline:change.reason anew.`,
    );
  }
  const { number: deployment = 1 } = record.deployments.at(-1) ?? {};
  const points = restorePointsOf(record);
  const restored = restoredAs(record, situation.data.generation);
  const around = waysAround(situation);
  return {
    ...{ record: writeRecord(record), deployment, ways },
    restorePoints: points.length === 0 ? [config.release.version] : points,
    aroundRestore: around.length === 0 ? ways : around,
    ...(restored !== undefined && { restored }),
  };
}

/** A stack file that was kept since before a failover goes back to the region of then as well. */
function warnOfMove(stack: string, to: string, state: RecordState | undefined): void {
  const from = state?.settings?.["activeRegion"];
  if (typeof from !== "string" || from === to) return;
  const keep = set(stack, "lifeline:activeRegion", from);
  void pulumi.log.warn(
    `lifeline:activeRegion: this run also moves the write role from ${from} to ${to}, as the stack file says. To leave it where it is: ${keep}`,
  );
}

/** A refusal as every other problem of a configuration is told. */
export function problemOf(release: string, { reason, allowed, ways }: Refusal): Problem {
  const steps = ways.map(({ what, commands }) => [what, ...commands.map((it) => `  ${it}`)]);
  return {
    field: "lifeline:release",
    value: `${release}; ${reason}`,
    allowed,
    fix: steps.map((lines) => lines.join("\n             ")).join("\n             or "),
  };
}

function announce(decision: Exclude<Decision, Refusal>, [way]: readonly Way[]): void {
  if (decision.verdict === "unchanged") return;
  const { deployment, objective } = decision;
  if (objective === undefined) {
    // Said before anything begins: whatever ends the run, the way back is on the screen.
    if (way !== undefined) {
      void pulumi.log.info(`should ${deployment.release} fail, ${way.what}:\n${inOneLine(way)}`);
    }
    return;
  }
  const minutes = (objective.recoverySeconds ?? 0) / 60;
  void pulumi.log.info(
    `${objective.scenario}: ${deployment.from ?? ""} to ${deployment.release}, promised within ${String(minutes)} minutes`,
  );
}
