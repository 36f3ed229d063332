import { Listr } from "listr2";

/** Where long work says what it is doing right now. */
export interface Reporter {
  readonly status: (text: string) => void;
  /** Keeps what came of a part, where the log is kept. */
  readonly note?: (text: string) => void;
}

/** One line of progress: what is being done, then what came of it. */
export interface Task {
  readonly title: string;
  /** @returns what came of it, in a few words. Throwing ends the whole run. */
  readonly run: (reporter: Reporter) => Promise<string>;
}

/** How often a log that is not a terminal hears what a long task is doing. */
const heartbeatMs = 20_000;
/** As many heartbeats are silent while it does the same: an hour of one line hides all the others. */
const silentHeartbeats = 5;

/**
 * Runs tasks one after the other, or `concurrency` at a time, each with its progress and seconds: live on a terminal,
 * plain lines elsewhere. Everything goes to stderr: stdout is for data.
 */
export async function runTasks(tasks: readonly Task[], concurrency = 1): Promise<void> {
  if (process.stderr.isTTY && process.env["TERM"] !== "dumb") await runLive(tasks, concurrency);
  else await runPlain(tasks, concurrency);
}

/**
 * Runs lanes beside each other, each of tasks one after the other; plain lines also on a terminal. Where one ends early
 * because a task of it failed, the others still come to their end before this rejects.
 */
export async function runLanes(...lanes: readonly (readonly Task[])[]): Promise<void> {
  const ended = await Promise.allSettled(
    lanes.map(async (lane) => {
      for (const task of lane) await runLogged(task);
    }),
  );
  for (const end of ended) if (end.status === "rejected") throw end.reason;
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
    try {
      for (let task = waiting.shift(); task !== undefined; task = waiting.shift())
        await runLogged(task);
    } catch (error) {
      waiting.length = 0;
      throw error;
    }
  };
  // What runs beside a task that failed still ends before anything follows.
  const ended = await Promise.allSettled(Array.from({ length: concurrency }, worker));
  for (const end of ended) if (end.status === "rejected") throw end.reason;
}

async function runLogged({ title, run }: Task): Promise<void> {
  const seconds = stopwatch();
  let latest = "working";
  let told = "";
  let silent = 0;
  log(`...  ${title}`);
  const heartbeat = setInterval(() => {
    silent += 1;
    if (latest === told && silent <= silentHeartbeats) return;
    log(`     ${title}: ${latest} (${seconds()})`);
    told = latest;
    silent = 0;
  }, heartbeatMs);
  try {
    const outcome = await run({
      status: (text) => {
        latest = text;
      },
      note: (text) => {
        log(`     ${title}: ${text}`);
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
