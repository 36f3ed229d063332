import { randomBytes } from "node:crypto";
import { Problem } from "../problem.ts";
import { inRegion } from "../regions/inside.ts";
import type { Topology } from "../regions/topology.ts";

/** Something that is broken on purpose until it is healed. */
export interface Fault {
  /** Ends the fault; again is harmless, also after the region was restarted. */
  readonly heal: () => Promise<void>;
}

/** Breaks something for as long as the work takes. */
export async function during<Result>(
  fault: Promise<Fault>,
  work: () => Promise<Result>,
): Promise<Result> {
  const { heal } = await fault;
  try {
    return await work();
  } finally {
    await heal();
  }
}

/** Runs a command inside a region that must succeed. */
export async function mustInside(region: Topology, argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await inRegion(region, argv);
  if (code !== 0)
    throw new Problem(`${region.awsRegion}: ${argv.join(" ")} failed: ${stderr.trim()}`);
  return stdout;
}

/** What is done to packets that a hook of the network sees, in nft's language. */
export interface Chain {
  readonly hook: "prerouting" | "forward" | "input" | "output";
  readonly type: "filter" | "nat";
  /** The lower, the earlier. */
  readonly priority: number;
  readonly rules: readonly string[];
}

/** Puts packet rules into a region, in a table of their own. */
export async function packetRules(region: Topology, chains: readonly Chain[]): Promise<Fault> {
  const table = `ip fault_${randomBytes(4).toString("hex")}`;
  const text = chains.map(
    ({ hook, type, priority, rules }) =>
      `chain ${hook} {\ntype ${type} hook ${hook} priority ${String(priority)}; policy accept;\n${rules.join("\n")}\n}`,
  );
  await mustInside(region, ["nft", `table ${table} {\n${text.join("\n")}\n}`]);
  return {
    heal: async () => {
      // A region that was restarted, or is dead, has no such table any more.
      await inRegion(region, ["nft", "delete", "table", ...table.split(" ")]).catch(
        () => undefined,
      );
    },
  };
}
