import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Ledger,
  longestGapSeconds,
  lossSeconds,
  missingFrom,
  rowsOf,
  startWriter,
} from "../../../rehearsal/ledger.ts";
import { runFolder } from "../../../rehearsal/paths.ts";
import { type RegionKey, productHost, topology } from "../../../rehearsal/regions/topology.ts";
import type { TwoDatabases } from "./two-databases.ts";

export interface Trial {
  readonly acknowledged: number;
  readonly missing: number;
  readonly lossSeconds: number;
  readonly gapSeconds: number;
}

/** Faults under writes through the public entry, whose acknowledgements are kept outside of the product. */
export class Trials {
  readonly #databases: TwoDatabases;
  /** How each trial went, in words. */
  readonly table: string[] = [];

  constructor(databases: TwoDatabases) {
    this.#databases = databases;
  }

  /**
   * Writes before, during and after a fault, then compares what was acknowledged with what both regions have.
   * @throws when the databases do not become healthy again, or one region has less than the other
   */
  async under(name: string, fault: () => Promise<void>, active: RegionKey = "a"): Promise<Trial> {
    const writing = writer();
    let ledger: Ledger;
    try {
      await sleep(3000);
      await fault();
      const healthySeconds = await this.#databases.healthy(active);
      const before = writing.count();
      await sleep(3000);
      // On a busy machine one write may take longer.
      for (let left = 17; writing.count() === before && left > 0; left -= 1) await sleep(1000);
      if (writing.count() === before) throw new Error("nothing is acknowledged after the fault");
      this.table.push(`${name}: healthy after ${healthySeconds.toFixed(0)} s more`);
    } finally {
      ledger = await writing.stop();
    }
    const missing = await this.#missing(active, ledger);
    const trial = {
      acknowledged: ledger.acknowledged.length,
      missing: missing.length,
      lossSeconds: lossSeconds(missing),
      gapSeconds: longestGapSeconds(ledger),
    };
    this.table.push(
      `${name}: ${String(trial.acknowledged)} acknowledged, ${String(trial.missing)} missing (${trial.lossSeconds.toFixed(1)} s), ${trial.gapSeconds.toFixed(1)} s without writes`,
    );
    await this.#isEverywhere(ledger, active === "a" ? "b" : "a", missing.length);
    return trial;
  }

  /** What one region has acknowledged the other has, too, once it follows. */
  async #isEverywhere(ledger: Ledger, other: RegionKey, missing: number): Promise<void> {
    let lacking = Infinity;
    // A member that had to rewind is a moment behind.
    for (let turn = 0; turn < 60; turn += 1) {
      lacking = (await this.#missing(other, ledger)).length;
      if (lacking <= missing) break;
      await sleep(2000);
    }
    if (lacking !== missing) {
      throw new Error(`${topology[other].awsRegion} lacks ${String(lacking)} acknowledged rows`);
    }
  }

  async #missing(key: RegionKey, ledger: Ledger) {
    return missingFrom(ledger, await this.#databases.rows(key, rowsOf(ledger)));
  }
}

/** Writes through the entries of both regions, as users do. */
export function writer(workers = 4) {
  const authority = readFileSync(join(runFolder, "engine", "certificate-authority.crt"), "utf8");
  const entries = (["a", "b"] as const).map((key) => ({
    address: topology[key].ip,
    port: 443,
    host: productHost,
    authority,
  }));
  return startWriter({ entries, workers });
}
