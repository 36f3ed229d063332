import { RunError } from "@pulumi/pulumi";

/** One thing that keeps a configuration from being used. */
export interface Problem {
  /** Where, as it is written in the file: `lifeline:regions[1].name`, `releases/v1.0.0.yaml: images.backend`. */
  readonly field: string;
  /** What was found there, printable: secrets are already replaced. */
  readonly value: string;
  readonly allowed: string;
  readonly fix: string;
}

/**
 * Thrown before any resource is registered. The message lists every problem;
 * as a RunError it is printed by the engine without a stack trace.
 */
export class ConfigError extends RunError {
  readonly problems: readonly Problem[];

  constructor(stack: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? "1 problem" : `${String(problems.length)} problems`;
    super(
      [
        `Pulumi.${stack}.yaml: ${count} in the configuration of stack ${stack}; nothing was changed.`,
        ...problems.map(describe),
      ].join("\n\n"),
    );
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** A problem as it is printed. */
export function describe({ field, value, allowed, fix }: Problem): string {
  return `  ${field}\n    value:   ${value}\n    allowed: ${allowed}\n    fix:     ${fix}`;
}

export const hidden = "(not shown)";

/** A value as it may be printed: short, one line, objects without their contents. */
export function printable(value: unknown): string {
  if (value === undefined) return "(missing)";
  if (value === null) return "(empty)";
  if (Array.isArray(value)) return `a list of ${String(value.length)}`;
  if (typeof value === "object") {
    return `an object with the keys ${Object.keys(value).join(", ") || "(none)"}`;
  }
  const text = JSON.stringify(value);
  return text.length <= 120 ? text : `${text.slice(0, 117)}...`;
}
