import { existsSync, readFileSync } from "node:fs";

import { parse } from "yaml";
import { z } from "zod";

import { exitCode, Problem } from "../../rehearsal/problem.ts";
import type { Finding } from "./way-back.ts";

const entry = z.strictObject({
  rule: z.string(),
  /** Of the finding; `*` stands for anything. */
  subject: z.string(),
  /** Why it has to be, and what one does instead on a bad night. */
  reason: z.string().min(20),
});

/** A way back that is given up knowingly. */
export type Accepted = z.infer<typeof entry>;

/** @throws Problem for a file of another shape */
export function readAccepted(file: string): Accepted[] {
  if (!existsSync(file)) return [];
  const parsed = z.array(entry).safeParse(parse(readFileSync(file, "utf8")) ?? []);
  if (parsed.success) return parsed.data;
  throw new Problem(`${file}: ${z.prettifyError(parsed.error)}`, exitCode.usage);
}

/** Findings that nobody gave up, and entries that no finding needs any more. */
export function withoutAccepted(
  findings: readonly Finding[],
  accepted: readonly Accepted[],
): { open: Finding[]; given: Finding[]; unused: Accepted[] } {
  const matches = ({ rule, subject }: Accepted, finding: Finding) =>
    rule === finding.rule && pattern(subject).test(finding.subject);
  const isGiven = (finding: Finding) => accepted.some((it) => matches(it, finding));
  return {
    open: findings.filter((finding) => !isGiven(finding)),
    given: findings.filter(isGiven),
    unused: accepted.filter((it) => !findings.some((finding) => matches(it, finding))),
  };
}

function pattern(subject: string): RegExp {
  const parts = subject.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
