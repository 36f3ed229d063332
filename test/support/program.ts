import { jest } from "@jest/globals";

import lifeline from "../../index.ts";
import type { GraphOptions } from "../../rehearsal/graph.ts";
import { declaredGraph } from "../../rehearsal/graph.ts";
import { GraphView } from "../../rehearsal/graph-view.ts";
import { readStackFile } from "../../rehearsal/stack-file.ts";

/** The stacks of this repository. */
export const stacks = ["production", "staging", "local"] as const;

/** Everything that a stack declares, with some settings of its file replaced. */
export async function programOf(
  stack: string,
  settings: Readonly<Record<string, string>> = {},
  options: Partial<GraphOptions> = {},
): Promise<GraphView> {
  // The files of the repository hold example values; that a preview warns of them is no news here.
  jest.spyOn(console, "warn").mockImplementation(() => undefined);
  const { config, secretKeys } = readStackFile(stack);
  return new GraphView(
    await declaredGraph(() => lifeline(), {
      ...{ stack, secretKeys, config: { ...config, ...settings } },
      ...options,
    }),
  );
}
