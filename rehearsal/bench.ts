import { programStart } from "./bench/program-start.ts";
import { updates } from "./bench/updates.ts";
import { withRehearsalLock } from "./rehearsal-lock.ts";

/** Measures what speed is promised on, each figure beside that of a plain tool in the same run. */
export async function bench({ json }: { readonly json: boolean }): Promise<void> {
  await withRehearsalLock("npm run bench", async (signal) => {
    const start = await programStart();
    const update = await updates(signal);
    if (json) {
      process.stdout.write(`${JSON.stringify({ start, update })}\n`);
      return;
    }
    const { graph, bareImport } = start;
    const { program, kubectl } = update;
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
    ];
    process.stdout.write(`${rows.join("\n")}\n`);
  });
}

const row = (ours: string, our: number, theirs: string, their: number): string =>
  `${ours.padEnd(28)} ${our.toFixed(1).padStart(7)}   ${theirs.padEnd(36)} ${their.toFixed(1).padStart(7)}   ratio ${(our / their).toFixed(2)}`;
