import { setTimeout as sleep } from "node:timers/promises";
import { query } from "../checks/database.ts";
import type { RegionUnderTest, Subject } from "../checks/subject.ts";
import { type Ledger, missingFrom, startWriter } from "../ledger.ts";
import { entryOf } from "../checks/gateway.ts";

/** What was acknowledged outside of the databases, over all changes. */
export class Rows {
  #ledgers: readonly Ledger[] = [];

  /** Writes through the active region's entry while `work` runs. @returns what its users saw */
  async during(region: RegionUnderTest, subject: Subject, work: () => Promise<void>) {
    const writer = startWriter({ entries: [entryOf(region, subject)], workers: 2 });
    let ledger: Ledger;
    try {
      await sleep(2000);
      await work();
      await sleep(2000);
    } finally {
      ledger = await writer.stop();
    }
    this.#ledgers = [...this.#ledgers, ledger];
    return ledger;
  }

  /** Compares every acknowledged row with a region. A later comparison does not expect those any more that a restore lost. */
  async compare(region: RegionUnderTest, subject: Subject, lostAfter: Date | undefined) {
    const found = (await query(region, subject, textsOf(this.#ledgers))).split("\n");
    const missing = this.#ledgers.flatMap((ledger) => missingFrom(ledger, found));
    const lost = missing.filter(({ at }) => lostAfter !== undefined && at > lostAfter.getTime());
    const gone = new Set(lost.map(({ text }) => text));
    const compared = this.#ledgers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
    this.#ledgers = this.#ledgers.map((ledger) => ({
      ...ledger,
      acknowledged: ledger.acknowledged.filter(({ text }) => !gone.has(text)),
    }));
    return { compared, missing: missing.length - lost.length, lostSincePoint: lost.length };
  }
}

/** Of whichever schema: a later release calls the column by another name. */
function textsOf(ledgers: readonly Ledger[]): string {
  const text = "coalesce(to_jsonb(notes) ->> 'text', to_jsonb(notes) ->> 'body')";
  const prefixes = ledgers.map(({ prefix }) => `'${prefix} %'`).join(", ");
  return `SELECT ${text} FROM notes WHERE ${text} LIKE ANY (ARRAY[${prefixes}])`;
}
