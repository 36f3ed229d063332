import { join } from "node:path";
import { cache } from "./paths.ts";
import { Problem, exitCode } from "./problem.ts";
import { takeLock } from "./process-lock.ts";

/**
 * Runs work that changes the rehearsal; only one such work at a time. SIGINT and SIGTERM abort its signal, so that it
 * can end in order.
 * @throws Problem naming the process that holds the rehearsal
 */
export async function withRehearsalLock(
  command: string,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const lock = takeLock(join(cache, "rehearsal.lock"), command);
  if (typeof lock !== "function") {
    throw new Problem(
      `${lock.command} is running already (process ${String(lock.pid)}, cache ${cache}). Fix: wait for it, or end it with: kill ${String(lock.pid)}`,
      exitCode.busy,
    );
  }
  const interruption = new AbortController();
  const interrupt = () => {
    interruption.abort(
      new Problem(
        "Interrupted. Run npm start again to go on from here, or npm run stop to remove everything.",
        130,
      ),
    );
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    await work(interruption.signal);
  } finally {
    process.removeListener("SIGINT", interrupt).removeListener("SIGTERM", interrupt);
    lock();
  }
}
