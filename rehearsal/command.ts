import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Standard input; empty without it. */
  readonly input?: string;
  /** Ends the command with SIGTERM after as many seconds. */
  readonly timeoutSeconds?: number;
  /** Ends the command with SIGINT, which lets it clean up; the run then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Hears each whole line of either stream as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  /** Lines of both streams, in the order written. */
  readonly lines: readonly string[];
}

/** Runs a command to its end. Rejects only when it cannot be started or is aborted: a failure is a `code`. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, environment, input, timeoutSeconds, signal, onLine }: RunOptions = {},
): Promise<RunResult> {
  signal?.throwIfAborted();
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    ...(timeoutSeconds !== undefined && { timeout: timeoutSeconds * 1000 }),
  });
  // A command that ends before it has read everything says so by its code.
  child.stdin?.on("error", () => undefined).end(input);
  const interrupt = () => child.kill("SIGINT");
  signal?.addEventListener("abort", interrupt, { once: true });
  const lines: string[] = [];
  let stdout = "";
  const hear = async (stream: Readable, keep: (line: string) => void) => {
    for await (const line of createInterface({ input: stream })) {
      lines.push(line);
      keep(line);
      onLine?.(line);
    }
  };
  try {
    const [code] = await Promise.all([
      new Promise<number>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (exitCode) => {
          resolve(exitCode ?? 1);
        });
      }),
      hear(child.stdout!, (line) => (stdout += `${line}\n`)),
      hear(child.stderr!, () => undefined),
    ]);
    signal?.throwIfAborted();
    return { code, stdout, lines };
  } finally {
    signal?.removeEventListener("abort", interrupt);
  }
}
