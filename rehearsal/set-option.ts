import { parse } from "yaml";
import { Problem, exitCode } from "./problem.ts";

/**
 * Settings of the command line, `--set activeRegion=eu-west-1`, with values as the stack file has them: true is a boolean,
 * [{storage: 1Gi}] a list.
 * @throws Problem saying how to write one
 */
export function settingsFrom(assignments: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    assignments.map((assignment) => {
      const [, setting = "", value = ""] =
        /^(?:lifeline:)?([A-Za-z][\w.[\]]*)=(.+)$/s.exec(assignment) ?? [];
      if (setting === "")
        throw new Problem(
          `--set: got "${assignment}"; allowed is setting=value. Fix: write it as in Pulumi.local.yaml, such as --set activeRegion=eu-west-1`,
          exitCode.usage,
        );
      return [setting, parse(value)];
    }),
  );
}
