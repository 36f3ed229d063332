import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Place } from "../ground.ts";
import { Problem } from "../problem.ts";
import { runTasks } from "../progress.ts";
import { cutLink, healLink } from "../regions/regions.ts";
import { topology } from "../regions/topology.ts";
import { percentile } from "./figures.ts";
import type { BenchPlace } from "./place.ts";

/** Both states in turns, so that load hits both. */
const rounds = 2;
const seconds = 20;
const clients = 4;
/** On the data's volume: a file there costs no memory. */
const folder = "/var/lib/postgresql/data/measured";
const catchUpSeconds = 180;

const script = readFileSync(join(import.meta.dirname, "commits.sh"), "utf8");

export interface Latencies {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface Lag {
  readonly medianSeconds: number;
  readonly largestSeconds: number;
  readonly largestBytes: number;
}

/** How commits of the active region fare, and how far behind its followers are meanwhile. */
export interface Commits {
  /** In milliseconds, while the standby region follows. */
  readonly on: Latencies;
  /** The same while it is out of reach. */
  readonly off: Latencies;
  readonly standbyRegion: Lag;
  /** The members of the active region, beside it. */
  readonly sameRegion: Lag;
  /** Seconds until the standby region had caught up after its link was healed, at most. */
  readonly caughtUp: number;
}

interface Measured {
  readonly milliseconds: number[];
  readonly lags: { readonly member: string; readonly seconds: number; readonly bytes: number }[];
}

/**
 * Latency of small commits of several clients with the standby region on and off, and the lag of what follows.
 * The stack runs already.
 */
export async function commits(place: BenchPlace): Promise<Commits> {
  const [active] = place.ground.places;
  const on: Measured = { milliseconds: [], lags: [] };
  const off: Measured = { milliseconds: [], lags: [] };
  let caughtUp = 0;
  await runTasks([
    {
      title: "commits with the standby region on and off",
      run: async ({ status }) => {
        for (let round = 1; round <= rounds; round += 1) {
          status(`on, round ${String(round)} of ${String(rounds)}`);
          await measure(place, active, on);
          status(`off, round ${String(round)} of ${String(rounds)}`);
          await cutLink("b");
          try {
            await measure(place, active, off);
          } finally {
            await healLink("b");
          }
          caughtUp = Math.max(caughtUp, await untilCaughtUp(place, active));
        }
        return `${String(on.milliseconds.length)} beside ${String(off.milliseconds.length)}`;
      },
    },
  ]);
  return {
    on: latencies(on),
    off: latencies(off),
    standbyRegion: lag(on, isFar),
    sameRegion: lag(on, (member) => !isFar(member)),
    caughtUp,
  };
}

/** Members are named after their region. */
const isFar = (member: string): boolean => member.includes(topology.b.awsRegion);

async function measure(place: BenchPlace, active: Place, into: Measured): Promise<void> {
  const said = await inLeader(place, active, [
    ...["bash", "-c", script, "commits.sh"],
    ...[String(seconds), String(clients), folder],
  ]);
  for (const line of said.split("\n")) {
    const [kind, ...words] = line.split(" ");
    if (kind === "commit") into.milliseconds.push(Number(words[0]) / 1000);
    if (kind === "lag") {
      const [member = "", behind, bytes] = words;
      into.lags.push({ member, seconds: Number(behind), bytes: Number(bytes) });
    }
  }
}

async function untilCaughtUp(place: BenchPlace, active: Place): Promise<number> {
  const started = performance.now();
  const sql = `SELECT count(*) FROM pg_stat_replication WHERE application_name LIKE '%${topology.b.awsRegion}%' AND state = 'streaming' AND replay_lsn = pg_current_wal_lsn()`;
  for (;;) {
    const found = await inLeader(place, active, ["psql", "-XAtqU", "postgres", "-c", sql]);
    const waited = (performance.now() - started) / 1000;
    if (Number(found) > 0) return waited;
    if (waited > catchUpSeconds)
      throw new Problem(
        `the standby region had not caught up ${String(catchUpSeconds)} s after its link was healed`,
      );
    await sleep(500);
  }
}

async function inLeader(
  place: BenchPlace,
  region: Place,
  command: readonly string[],
): Promise<string> {
  const name = ["get", "pods", "-l", "postgres-role=leader", "-o", "name"];
  const leader = (await place.kubectl(region, ...name)).trim();
  return place.kubectl(region, "exec", leader, "-c", "postgres", "--", ...command);
}

function latencies({ milliseconds }: Measured): Latencies {
  const [p50 = NaN, p95 = NaN, p99 = NaN] = [50, 95, 99].map((percent) =>
    percentile(milliseconds, percent),
  );
  return { p50, p95, p99 };
}

function lag({ lags }: Measured, isMeant: (member: string) => boolean): Lag {
  const meant = lags.filter(({ member }) => isMeant(member));
  const behind = meant.map(({ seconds }) => seconds);
  return {
    medianSeconds: percentile(behind, 50),
    largestSeconds: percentile(behind, 100),
    largestBytes: percentile(
      meant.map(({ bytes }) => bytes),
      100,
    ),
  };
}
