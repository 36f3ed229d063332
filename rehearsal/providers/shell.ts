import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Lines of output an error quotes. */
const quotedLines = 20;

export interface ShellRun {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly directory: string | undefined;
  /** Added to the environment of this process. */
  readonly environment: Record<string, string>;
  readonly stdin: string;
  readonly signal: AbortSignal;
  /** Streams that may be seen: the one that an error is quoted from comes first. */
  readonly shown: readonly ("stdout" | "stderr")[];
  onLine(line: string): void;
}

/**
 * Runs a command to its end. Fails with the last lines it showed when it exits with anything but
 * 0; when cancelled, ends it together with everything it started.
 */
export async function runShell(run: ShellRun): Promise<{ stdout: string; stderr: string }> {
  run.signal.throwIfAborted();
  const [program = "", ...args] = run.command;
  const child = spawn(program, args, {
    cwd: run.directory,
    env: { ...process.env, ...run.environment },
    // Its own process group, so that a cancelled command takes its children along.
    detached: true,
  });
  const output: Record<"stdout" | "stderr", string[]> = { stdout: [], stderr: [] };
  const collect = async (stream: "stdout" | "stderr", from: Readable) => {
    for await (const line of createInterface({ input: from, crlfDelay: Infinity })) {
      output[stream].push(line);
      if (run.shown.includes(stream)) run.onLine(line);
    }
  };
  const endGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Already gone, which is what was wanted.
    }
  };
  run.signal.addEventListener("abort", endGroup, { once: true });
  // A command that does not read its input closes the pipe: not an error.
  child.stdin.on("error", () => undefined).end(run.stdin);
  try {
    const [exit] = await Promise.all([
      new Promise<string | undefined>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code, signal) => {
          resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : signal);
        });
      }),
      collect("stdout", child.stdout),
      collect("stderr", child.stderr),
    ]);
    run.signal.throwIfAborted();
    if (exit !== undefined) {
      const [lines = []] = run.shown
        .map((stream) => output[stream])
        .filter((found) => found.length > 0);
      throw new Error(`command failed with ${exit}:\n${lines.slice(-quotedLines).join("\n")}`);
    }
  } finally {
    run.signal.removeEventListener("abort", endGroup);
  }
  return { stdout: output.stdout.join("\n"), stderr: output.stderr.join("\n") };
}
