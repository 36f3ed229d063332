import { setTimeout as sleep } from "node:timers/promises";
import type { RegionKey } from "../../../rehearsal/regions/topology.ts";
import type { TwoDatabases } from "./two-databases.ts";

const perLog = 256;

/** Numbers of WAL segments, which count from the beginning of the data on every timeline alike. */
const numberOf = (segment: string): number =>
  parseInt(segment.slice(8, 16), 16) * perLog + parseInt(segment.slice(16), 16);

/** Names of all segments in a region's archive. */
export async function archivedSegments(
  databases: TwoDatabases,
  key: RegionKey,
): Promise<Set<string>> {
  const words = ["pgbackrest", "--stanza=main", "--log-level-console=off", "repo-ls", "--recurse"];
  const pod = (await databases.leader(key)).metadata?.name ?? "";
  const listing = await databases.exec(key, pod, "agent", [...words, "archive/main/15-1"]);
  return new Set(listing.match(/(?<=\/)[0-9A-F]{24}(?=-[0-9a-f]{40})/g));
}

/** Numbers that no segment of a region's archive has, from its first to its last. @throws when it has no segment */
export async function gaps(databases: TwoDatabases, key: RegionKey): Promise<number[]> {
  const numbers = new Set([...(await archivedSegments(databases, key))].map(numberOf));
  if (numbers.size === 0) throw new Error(`the archive of ${key} has no segment`);
  const first = Math.min(...numbers);
  return Array.from({ length: numbers.size }, (_, index) => first + index).filter(
    (number) => !numbers.has(number),
  );
}

/** Ends the segment that is being written, and says its name. */
export const switchWal = (databases: TwoDatabases): Promise<string> =>
  databases
    .query(
      "a",
      "SELECT pg_logical_emit_message(true, 'fault', 'x'); SELECT pg_walfile_name(pg_switch_wal())",
    )
    .then((answer) => answer.split("\n").at(-1) ?? "");

/** Waits until both regions' archives have all that was written until now. */
export async function allArchived(databases: TwoDatabases): Promise<void> {
  let wal = "";
  await until("a segment ends", 60, async () => {
    wal = await switchWal(databases);
    return true;
  });
  for (const key of ["a", "b"] as const) {
    const ask = `SELECT lifeline.archived('${wal}')`;
    await until(`${wal} is in the archive of ${key}`, 120, async () => {
      return (await databases.query(key, ask)) === "t";
    });
  }
}

/** What a member's agent measures, by metric and label as they are served. */
export async function measured(
  databases: TwoDatabases,
  key: RegionKey,
  pod: string,
): Promise<(metric: string) => number> {
  const words = ["curl", "--silent", "--fail", "http://localhost:9188/metrics"];
  const text = await databases.exec(key, pod, "agent", words);
  const values = new Map(
    text.split("\n").map((line) => {
      const [name = "", value] = line.split(" ");
      return [name, Number(value)];
    }),
  );
  return (metric) => values.get(`lifeline_postgres_${metric}`) ?? NaN;
}

/** Waits for something to become true; a question that cannot be answered yet is asked again. */
export async function until(
  what: string,
  seconds: number,
  condition: () => Promise<boolean>,
): Promise<number> {
  const started = performance.now();
  for (;;) {
    let trouble = "";
    try {
      if (await condition()) return (performance.now() - started) / 1000;
    } catch (error) {
      trouble = error instanceof Error ? `: ${error.message}` : "";
    }
    if (performance.now() - started > seconds * 1000)
      throw new Error(`not within ${String(seconds)} s: ${what}${trouble}`);
    await sleep(500);
  }
}
