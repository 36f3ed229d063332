import { jest } from "@jest/globals";

import lifeline, { type LifelineOptions } from "../../index.ts";
import type { GraphOptions } from "../../rehearsal/graph.ts";
import { declaredGraph } from "../../rehearsal/graph.ts";
import { GraphView } from "../../rehearsal/graph-view.ts";
import { readStackFile } from "../../rehearsal/stack-file.ts";

/** The stacks of this repository. */
export const stacks = ["production", "staging", "local"] as const;

/** Nothing that changes from run to run gets into a golden file. */
const recordedBy: LifelineOptions = { now: new Date(Date.UTC(2026, 0, 1)), user: "test" };

/** Everything that a stack declares, with some settings of its file replaced. */
export async function programOf(
  stack: string,
  settings: Readonly<Record<string, string>> = {},
  { program, ...options }: Partial<GraphOptions> & { readonly program?: LifelineOptions } = {},
): Promise<GraphView> {
  // The files of the repository hold example values; that a preview warns of them is no news here.
  jest.spyOn(console, "warn").mockImplementation(() => undefined);
  const { config, secretKeys } = readStackFile(stack);
  return new GraphView(
    await declaredGraph(() => lifeline({ ...recordedBy, ...program }), {
      ...{ stack, secretKeys, config: { ...config, ...settings } },
      ...options,
    }),
  );
}
