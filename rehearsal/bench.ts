import { databaseCopies } from "./bench/database-copies.ts";
import { programStart } from "./bench/program-start.ts";
import { updates } from "./bench/updates.ts";
import { runTasks } from "./progress.ts";
import { withRehearsalLock } from "./rehearsal-lock.ts";
import { installTestPackages } from "./toolchain/test-packages.ts";

/** Large enough that start-up times do not count. */
const databaseGigabytes = 5;

/** Measures what speed is promised on, each figure beside that of a plain tool in the same run. */
export async function bench({ json }: { readonly json: boolean }): Promise<void> {
  await withRehearsalLock("npm run bench", async (signal) => {
    await runTasks([{ title: "packages for measurements", run: installTestPackages }]);
    const start = await programStart();
    const update = await updates(signal);
    const copies = await databaseCopies(databaseGigabytes, signal);
    if (json) {
      process.stdout.write(`${JSON.stringify({ start, update, copies })}\n`);
      return;
    }
    const { graph, bareImport } = start;
    const { program, kubectl } = update;
    const { pgbackrest, dump, cp } = copies;
    const size = `${String(copies.gigabytes)} GB`;
    const rows = [
      row(
        "whole production graph, s",
        graph.seconds,
        "bare import of @pulumi/pulumi",
        bareImport.seconds,
      ),
      row(
        "whole production graph, MB",
        graph.megabytes,
        "bare import of @pulumi/pulumi",
        bareImport.megabytes,
      ),
      row("first up, s", program.first, "kubectl apply of the same objects", kubectl.first),
      row("empty up, s", program.second, "kubectl apply, nothing changed", kubectl.second),
      row(`base backup of ${size}, s`, pgbackrest.copy, "pg_dump | gzip -6", dump.copy),
      row(`base backup of ${size}, s`, pgbackrest.copy, "cp -a", cp.copy),
      row(`restore of ${size}, s`, pgbackrest.restore, "gunzip | psql", dump.restore),
      row(`restore of ${size}, s`, pgbackrest.restore, "cp -a", cp.restore),
    ];
    process.stdout.write(`${rows.join("\n")}\n`);
  });
}

const row = (ours: string, our: number, theirs: string, their: number): string =>
  `${ours.padEnd(28)} ${our.toFixed(1).padStart(7)}   ${theirs.padEnd(36)} ${their.toFixed(1).padStart(7)}   ratio ${(our / their).toFixed(2)}`;
