import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../../rehearsal/paths.ts";
import { type Evidence, parseEvidence } from "../../../rehearsal/report/evidence.ts";

export interface Finished {
  readonly code: number;
  readonly output: string;
}

/** A command of the project, started as a user starts it. */
export interface Running {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves when a line of the output matches; rejects when the command ends without it. */
  readonly says: (pattern: RegExp) => Promise<void>;
  /** Ends the command and all that it started with SIGKILL, as a crash of the machine's session would. */
  readonly killTree: () => void;
}

export function startLifeline(
  args: readonly string[],
  environment: Record<string, string> = {},
): Running {
  const child = spawn("node", [join(repository, "bin", "lifeline.mjs"), ...args], {
    cwd: repository,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_OPTIONS: "", ...environment },
  });
  let output = "";
  const waiting: { pattern: RegExp; resolve: () => void; reject: (error: Error) => void }[] = [];
  const hear = (chunk: Buffer) => {
    output += chunk.toString();
    for (const waiter of waiting) if (waiter.pattern.test(output)) waiter.resolve();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const finished = new Promise<Finished>((resolve) => {
    child.on("close", (code) => {
      for (const { pattern, reject } of waiting)
        reject(new Error(`ended without ${String(pattern)}:\n${output}`));
      resolve({ code: code ?? -1, output });
    });
  });
  return {
    process: child,
    finished,
    says: (pattern) =>
      pattern.test(output)
        ? Promise.resolve()
        : new Promise((resolve, reject) => {
            waiting.push({ pattern, resolve, reject });
          }),
    killTree: () => {
      process.kill(-child.pid!, "SIGKILL");
    },
  };
}

/** Runs a command of the project to its end. */
export const lifeline = (
  args: readonly string[],
  environment?: Record<string, string>,
): Promise<Finished> => startLifeline(args, environment).finished;

/** Evidence that a rehearsal wrote into its report folder. */
export const evidenceIn = (folder: string): Evidence =>
  parseEvidence(JSON.parse(readFileSync(join(folder, "evidence.json"), "utf8")));
