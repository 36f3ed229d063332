import * as pulumi from "@pulumi/pulumi";

import { ConfigError, dataTarget, type Config, type Problem, type Release } from "../config.ts";
import { decide, type Decision, type Refusal } from "./decide.ts";
import { writeRecord, type RecordState } from "./record.ts";

export interface JudgedChange {
  readonly stack: string;
  readonly config: Config;
  readonly releases: readonly Release[];
  readonly state: RecordState | undefined;
  readonly now: Date;
  readonly user: string;
}

/**
 * The record that this run leaves. Says aloud which way back it is, and what is promised for it.
 * @throws ConfigError when the change is not safe as asked for, with the commands that are
 */
export function judgeChange({ stack, config, ...rest }: JudgedChange): string {
  const decision = decide({
    ...rest,
    stack,
    target: config.release,
    data: dataTarget(config),
    change: config.change,
    restoreWindowDays: config.backups.restoreWindowDays,
  });
  if (decision.verdict === "refused") {
    throw new ConfigError(stack, [problemOf(config.release.version, decision)]);
  }
  announce(decision);
  return writeRecord(decision.record);
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

function announce(decision: Exclude<Decision, Refusal>): void {
  if (decision.verdict === "unchanged" || decision.objective === undefined) return;
  const { deployment, objective } = decision;
  const minutes = (objective.recoverySeconds ?? 0) / 60;
  void pulumi.log.info(
    `${objective.scenario}: ${deployment.from ?? ""} to ${deployment.release}, promised within ${String(minutes)} minutes`,
  );
}
