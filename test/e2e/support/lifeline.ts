import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
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
  createInterface({ input: child.stderr }).on("line", passOn);
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

/** What the command is at goes to who watches the tests; rehearsal/jest.ts reads it. */
const passOn = (line: string): void => {
  if (line.trim() !== "") process.stderr.write(`says: ${line.trim()}\n`);
};

/**
 * Runs a command of the project to its end; one that hangs is interrupted, and ended when it does not hear that. Its
 * output ends with what was still running then.
 * @param deadlineMinutes longer than the command takes, and short enough that what hangs is a failure with its last words
 */
export async function lifeline(
  args: readonly string[],
  environment?: Record<string, string>,
  deadlineMinutes = 20,
): Promise<Finished> {
  const running = startLifeline(args, environment);
  let late = "";
  const interruption = setTimeout(() => {
    const { pid } = running.process;
    if (pid === undefined) return;
    late = `\nnot over after ${String(deadlineMinutes)} minutes; at work were:\n${programsBelow(pid).join("\n")}\n`;
    running.process.kill("SIGINT");
  }, deadlineMinutes * 60_000);
  const end = setTimeout(running.killTree, (deadlineMinutes + 2) * 60_000);
  try {
    const { code, output } = await running.finished;
    return { code, output: output + late };
  } finally {
    clearTimeout(interruption);
    clearTimeout(end);
  }
}

/** Evidence that a rehearsal wrote into its report folder. */
export const evidenceIn = (folder: string): Evidence =>
  parseEvidence(JSON.parse(readFileSync(join(folder, "evidence.json"), "utf8")));

/** What a process has started, and what that has started in turn, by their command lines. */
function programsBelow(parent: number, indent = "  "): string[] {
  const commandLength = 120;
  return readdirSync("/proc")
    .filter((entry) => parentOf(entry) === String(parent))
    .flatMap((pid) => {
      const command = textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
      const below = programsBelow(Number(pid), `${indent}  `);
      return [`${indent}${pid} ${command.slice(0, commandLength)}`, ...below];
    });
}

const parentOf = (pid: string): string | undefined =>
  /^PPid:\t(\d+)$/m.exec(/^\d+$/.test(pid) ? textOf(`/proc/${pid}/status`) : "")?.[1];

/** Empty for a process that has ended meanwhile. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
