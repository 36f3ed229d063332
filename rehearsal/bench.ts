import { type Commits, commits } from "./bench/commits.ts";
import { type CopyTimes, databaseCopies } from "./bench/database-copies.ts";
import { BenchPlace } from "./bench/place.ts";
import { programStart } from "./bench/program-start.ts";
import { type Rollbacks, rollbacks } from "./bench/rollbacks.ts";
import { type Updates, updates } from "./bench/updates.ts";
import { requireRoot } from "./ground.ts";
import { runTasks } from "./progress.ts";
import { withRehearsalLock } from "./rehearsal-lock.ts";
import { installTestPackages } from "./toolchain/test-packages.ts";

/** Large enough that start-up times do not count. */
const databaseGigabytes = 5;

/**
 * Measures what speed is promised on, each figure beside that of a plain tool, or of the same without our part, in the
 * same run. Uses a running rehearsal as it is, in a namespace of its own, and leaves nothing behind.
 */
export async function bench({ json }: { readonly json: boolean }): Promise<void> {
  // Before minutes are spent on what needs no regions.
  requireRoot();
  await withRehearsalLock("npm run bench", async (signal) => {
    await runTasks([{ title: "packages for measurements", run: installTestPackages }]);
    // Each part is shown as soon as it is measured: the last ones take the longest.
    const show = (part: string) => {
      if (!json) process.stdout.write(part);
    };
    const start = await programStart();
    show(table(ofStart(start)));
    const copies = await databaseCopies(databaseGigabytes, signal);
    show(table(ofCopies(copies)));
    await BenchPlace.during(signal, async (place) => {
      const update = await updates(place);
      show(table(ofUpdates(update)));
      await runTasks([
        {
          title: "a stack to measure on",
          run: async (reporter) => `${(await place.up(reporter)).seconds.toFixed(1)} s`,
        },
      ]);
      const commit = await commits(place);
      const caughtUp = commit.caughtUp.toFixed(1);
      show(
        `${table(ofCommits(commit))}standby region caught up ${caughtUp} s after its link was healed\n`,
      );
      const rollback = await rollbacks(place, signal);
      show(table(ofRollbacks(rollback)));
      if (json)
        process.stdout.write(`${JSON.stringify({ start, copies, update, commit, rollback })}\n`);
    });
  });
}

function ofStart({ graph, bareImport }: Awaited<ReturnType<typeof programStart>>): Row[] {
  const bare = "bare import of @pulumi/pulumi";
  return [
    ["whole production graph, s", graph.seconds, bare, bareImport.seconds],
    ["whole production graph, MB", graph.megabytes, bare, bareImport.megabytes],
  ];
}

function ofCopies({ gigabytes, pgbackrest, dump, cp }: CopyTimes): Row[] {
  const size = `${String(gigabytes)} GB`;
  return [
    [`base backup of ${size}, s`, pgbackrest.copy, "pg_dump | gzip -6", dump.copy],
    [`base backup of ${size}, s`, pgbackrest.copy, "cp -a", cp.copy],
    [`restore of ${size}, s`, pgbackrest.restore, "gunzip | psql", dump.restore],
    [`restore of ${size}, s`, pgbackrest.restore, "cp -a", cp.restore],
  ];
}

const ofUpdates = ({ program, kubectl }: Updates): Row[] => [
  ["first up, s", program.first, "kubectl apply of the same objects", kubectl.first],
  ["empty up, s", program.empty, "kubectl apply, nothing changed", kubectl.empty],
];

function ofCommits({ on, off, standbyRegion: far, sameRegion: near }: Commits): Row[] {
  const lagging = "members of the active region";
  return [
    ["commit, p50, ms", on.p50, "standby region off", off.p50],
    ["commit, p95, ms", on.p95, "standby region off", off.p95],
    ["commit, p99, ms", on.p99, "standby region off", off.p99],
    ["lag, median, ms", far.medianSeconds * 1000, lagging, near.medianSeconds * 1000],
    ["lag, largest, ms", far.largestSeconds * 1000, lagging, near.largestSeconds * 1000],
    ["lag, largest, KB", far.largestBytes / 1024, lagging, near.largestBytes / 1024],
  ];
}

const ofRollbacks = ({ program, helm, kubectl }: Rollbacks): Row[] => [
  ["app rollback, s", program, "helm rollback", helm],
  ["app rollback, s", program, "kubectl rollout undo", kubectl],
];

/** What is ours with its figure, and what it is measured beside. */
type Row = readonly [string, number, string, number];

const line = ([ours, our, theirs, their]: Row): string =>
  `${ours.padEnd(28)} ${our.toFixed(1).padStart(7)}   ${theirs.padEnd(36)} ${their.toFixed(1).padStart(7)}   ratio ${(our / their).toFixed(2)}`;

const table = (rows: readonly Row[]): string => rows.map((row) => `${line(row)}\n`).join("");
