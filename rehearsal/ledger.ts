import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Entry, fetchFrom, keepAliveAgent } from "./checks/https-client.ts";

/** A write that the application acknowledged. */
export interface Acknowledged {
  readonly text: string;
  /** When the answer arrived, in milliseconds since the epoch. */
  readonly at: number;
}

/** What a user of the product has seen. */
export interface Ledger {
  /** Starts the text of every row written. */
  readonly prefix: string;
  readonly acknowledged: readonly Acknowledged[];
  /** Answers other than 201, and no answer at all. */
  readonly failures: number;
  /** What was said instead, each once. */
  readonly complaints: readonly string[];
}

export interface WriterOptions {
  /** Entries in the order in which they are tried; a writer stays where it is answered. */
  readonly entries: readonly Entry[];
  readonly workers?: number;
}

/** Between two writes of one worker, and before it tries again: enough writes to count by, on a machine that has other work. */
const pauseMilliseconds = 100;
const retryMilliseconds = 200;

/**
 * Writes rows through the product's public entry, as its users do, and keeps outside of it what was acknowledged. A row
 * is known by a text that no other has: ids come again after lost commits.
 */
export function startWriter({ entries, workers = 4 }: WriterOptions) {
  const prefix = randomUUID();
  const acknowledged: Acknowledged[] = [];
  const complaints = new Set<string>();
  let failures = 0;
  let running = true;
  let preferred = 0;

  async function work(worker: number): Promise<void> {
    const agent = keepAliveAgent(1);
    for (let turn = 0; running; turn += 1) {
      const tried = preferred;
      const entry = entries[tried % entries.length];
      const text = `${prefix} ${String(worker)}.${String(turn)}`;
      const request = { path: "/api/notes", method: "POST", json: { text }, agent } as const;
      const answer =
        entry === undefined
          ? "no entry"
          : await fetchFrom(entry, request).then(
              ({ status, body }) => (status === 201 ? status : `${String(status)} ${body.trim()}`),
              (error: unknown) => (error instanceof Error ? error.message : String(error)),
            );
      const written = answer === 201;
      if (written) acknowledged.push({ text, at: Date.now() });
      else {
        failures += 1;
        complaints.add(String(answer).slice(0, 200));
        if (tried === preferred) preferred += 1;
      }
      await sleep(written ? pauseMilliseconds : retryMilliseconds);
    }
    agent.destroy();
  }
  const ended = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));

  return {
    /** How many rows were acknowledged so far. */
    count: () => acknowledged.length,
    /** Ends after the writes under way have been answered. */
    async stop(): Promise<Ledger> {
      running = false;
      await ended;
      return { prefix, acknowledged, failures, complaints: [...complaints] };
    },
  };
}

/** SQL that lists the texts of a ledger's rows. */
export const rowsOf = ({ prefix }: Ledger): string =>
  `SELECT text FROM notes WHERE text LIKE '${prefix} %'`;

/** Acknowledged rows that are not among those found, oldest first. */
export function missingFrom(ledger: Ledger, found: Iterable<string>): Acknowledged[] {
  const present = new Set(found);
  return ledger.acknowledged.filter(({ text }) => !present.has(text));
}

/** Longest time between two acknowledgements: how long nobody could write. */
export function longestGapSeconds({ acknowledged }: Pick<Ledger, "acknowledged">): number {
  const times = acknowledged.map(({ at }) => at).toSorted((a, b) => a - b);
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
  return gaps.reduce((longest, gap) => Math.max(longest, gap), 0) / 1000;
}

/** Of the rows missing, how old the oldest was when the last write was acknowledged before the loss. */
export function lossSeconds(missing: readonly Acknowledged[]): number {
  const times = missing.map(({ at }) => at);
  return times.length === 0 ? 0 : (Math.max(...times) - Math.min(...times)) / 1000;
}
