import { z } from "zod";

import type { Expectation } from "./expectation.ts";
import { hidden, printable, type Problem } from "./problems.ts";
import { looksSecret } from "./release-values.ts";
import { closest } from "./suggest.ts";

type Issue = z.core.$ZodIssue;

/** How the field at `path` is written in messages. */
export type Naming = (path: readonly PropertyKey[]) => string;

/** Every problem of `value`, found by `schema`; empty when it is valid. */
export function problemsOf(schema: z.ZodType, value: unknown, name: Naming): Problem[] {
  const result = schema.safeParse(value);
  return result.error?.issues.flatMap((issue) => toProblems(issue, value, name)) ?? [];
}

function toProblems(issue: Issue, root: unknown, name: Naming): Problem[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = issue.message.split(", ");
    return issue.keys.map((key) =>
      unknownKey(name([...path, key]), key, at(root, [...path, key]), known),
    );
  }
  const field = name(path);
  if (issue.code === "invalid_key") {
    // The name is at fault: the value beside it may well be a secret.
    const value = printable(path.at(-1));
    return issue.issues.map((inner) => ({ field, value, ...expectation(inner) }));
  }
  const value = at(root, path);
  const { allowed, fix } = expectation(issue);
  return [
    {
      field,
      value: printable(value),
      allowed,
      fix: value === undefined ? `add the missing key; ${fix}` : fix,
    },
  ];
}

/** A key that means nothing, with the one that was probably meant. */
function unknownKey(field: string, key: string, value: unknown, keys: readonly string[]): Problem {
  const meant = closest(key, keys);
  return {
    field,
    value: looksSecret(key) ? hidden : printable(value),
    allowed: `one of the keys ${keys.join(", ")}`,
    fix: meant === undefined ? "remove the unknown key" : `did you mean "${meant}"?`,
  };
}

const shapes: Readonly<Record<string, string>> = {
  object: "an object with named keys",
  record: "an object with named keys",
  array: "a list",
  tuple: "a list",
};

function expectation(issue: Issue): Expectation {
  // Only expectation.ts makes custom checks, and each carries its expectation.
  if (issue.code === "custom") return issue.params as unknown as Expectation;
  if (issue.code === "invalid_type") {
    const allowed = shapes[issue.expected] ?? issue.expected;
    return { allowed, fix: `write ${allowed} here` };
  }
  if (issue.code === "too_small") {
    return { allowed: `exactly ${String(issue.minimum)} entries`, fix: "add what is missing" };
  }
  if (issue.code === "too_big") {
    return { allowed: `exactly ${String(issue.maximum)} entries`, fix: "remove what is too much" };
  }
  if (issue.code === "invalid_union" && "options" in issue) return oneOf(issue.options);
  return { allowed: issue.message, fix: "correct the value" };
}

function oneOf(options: readonly unknown[]): Expectation {
  const allowed = options.map(printable).join(" or ");
  return { allowed, fix: `write ${allowed}, exactly so` };
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    root,
  );
}

/** Writes a path as in YAML tools: `regions[1].name`, `podLabels["app.kubernetes.io/name"]`. */
export function writePath(path: readonly PropertyKey[]): string {
  return path
    .map((key) => {
      if (typeof key === "number") return `[${String(key)}]`;
      return /^[\w-]+$/.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(String(key))}]`;
    })
    .join("")
    .replace(/^\./, "");
}
