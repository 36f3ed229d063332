import { Listr } from "listr2";

/** Where long work says what it is doing right now. */
export interface Reporter {
  readonly status: (text: string) => void;
}

/** One line of progress: what is being done, then what came of it. */
export interface Task {
  readonly title: string;
  /** @returns what came of it, in a few words. Throwing ends the whole run. */
  readonly run: (reporter: Reporter) => Promise<string>;
}

/** How often a log that is not a terminal hears what a long task is doing. */
const heartbeatMs = 20_000;

/**
 * Runs tasks one after the other, or `concurrency` at a time, each with its progress and seconds: live on a terminal,
 * plain lines elsewhere. Everything goes to stderr: stdout is for data.
 */
export async function runTasks(tasks: readonly Task[], concurrency = 1): Promise<void> {
  if (process.stderr.isTTY && process.env["TERM"] !== "dumb") await runLive(tasks, concurrency);
  else await runPlain(tasks, concurrency);
}

async function runLive(tasks: readonly Task[], concurrency: number): Promise<void> {
  const list = new Listr(
    tasks.map(({ title, run }) => ({
      title,
      task: async (_context, line) => {
        const seconds = stopwatch();
        const outcome = await run({
          status: (text) => {
            line.output = text;
          },
        });
        line.title = `${title}: ${outcome} (${seconds()})`;
      },
    })),
    {
      concurrent: concurrency,
      rendererOptions: { collapseErrors: false, showErrorMessage: false },
      forceTTY: true,
      registerSignalListeners: false,
    },
  );
  await list.run();
}

async function runPlain(tasks: readonly Task[], concurrency: number): Promise<void> {
  const waiting = [...tasks];
  const worker = async () => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift())
      await runLogged(task);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function runLogged({ title, run }: Task): Promise<void> {
  const seconds = stopwatch();
  let latest = "";
  log(`...  ${title}`);
  const heartbeat = setInterval(() => {
    log(`     ${title}: ${latest === "" ? "working" : latest} (${seconds()})`);
  }, heartbeatMs);
  try {
    const outcome = await run({
      status: (text) => {
        latest = text;
      },
    });
    log(`ok   ${title}: ${outcome} (${seconds()})`);
  } catch (error) {
    log(`FAIL ${title} (${seconds()})`);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}

const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Seconds since the call, as text. */
export function stopwatch(): () => string {
  const started = performance.now();
  return () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
