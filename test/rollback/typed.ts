import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";

/** What each program is given when a printed line is typed as it is: a shell takes it apart, and runs nothing. */
export function typed(line: string): string[][] {
  const tell = `{ printf '%s\\0' "$FUNCNAME" "$@"; printf '\\1'; }`;
  const script = `pulumi() ${tell}\nnpm() ${tell}\ngit() ${tell}\n${line}`;
  execFileSync("bash", ["-n"], { input: line });
  return execFileSync("bash", ["-eu"], { input: script, encoding: "utf8" })
    .split("\u0001")
    .filter((call) => call !== "")
    .map((call) => call.split("\0").slice(0, -1));
}

/** The arguments of a `pulumi` command that are no options; it must know the options and name its stack. */
export function operands(call: readonly string[], stack: string): string[] {
  const { positionals, values } = parseArgs({
    args: call.slice(1),
    allowPositionals: true,
    options: { path: { type: "boolean" }, stack: { type: "string" }, type: { type: "string" } },
  });
  expect(values.stack).toBe(stack);
  return positionals;
}
