import { join } from "node:path";
import { run } from "../command.ts";
import { Problem } from "../problem.ts";

/** Each figure is the median of so many runs. */
const runs = 5;

export interface Cost {
  readonly seconds: number;
  /** Largest resident set. */
  readonly megabytes: number;
}

/** Starting the whole production graph beside importing nothing but @pulumi/pulumi, in turns, so that load hits both. */
export async function programStart(): Promise<{ readonly graph: Cost; readonly bareImport: Cost }> {
  const costs: Record<"graph" | "import", Cost[]> = { graph: [], import: [] };
  for (let turn = 0; turn < runs; turn += 1) {
    costs.import.push(await measure("import"));
    costs.graph.push(await measure("graph"));
  }
  return { graph: median(costs.graph), bareImport: median(costs.import) };
}

async function measure(thing: string): Promise<Cost> {
  const { code, stdout, lines } = await run(process.execPath, [
    join(import.meta.dirname, "measured-child.ts"),
    thing,
  ]);
  if (code !== 0) throw new Problem(`measuring ${thing}:\n${lines.join("\n")}`);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Cost;
}

function median(costs: readonly Cost[]): Cost {
  const middle = (values: readonly number[]) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
  return {
    seconds: middle(costs.map((cost) => cost.seconds)),
    megabytes: middle(costs.map((cost) => cost.megabytes)),
  };
}
