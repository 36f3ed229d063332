import { outcomeOf, type Deployment } from "../record.ts";
import { knownStacks, unknownOf, type Asked, type KnownStack } from "./stack-state.ts";
import { aligned } from "./table.ts";

export interface HistoryOptions extends Asked {
  readonly json?: boolean;
}

/** One deployment of one stack. */
interface Entry extends Pick<Deployment, "number" | "at" | "by" | "from" | "type" | "reason"> {
  readonly stack: string;
  readonly to: string;
  readonly emergency: boolean;
  readonly outcome: NonNullable<Deployment["outcome"]>;
}

/** Prints every deployment that is recorded, oldest first: who brought out what, when, of which type and why. */
export async function showHistory({ json = false, ...asked }: HistoryOptions): Promise<void> {
  const known = await knownStacks(asked);
  const entries = known.flatMap(entriesOf);
  if (json) {
    const unknown = known.filter((it) => it.unknown);
    console.log(JSON.stringify({ deployments: entries, unknown }, null, 2));
    return;
  }
  const head = "NUMBER STACK WHEN WHO FROM TO TYPE ENDED EMERGENCY REASON".split(" ");
  for (const row of aligned([head, ...entries.map(cellsOf)])) console.log(row);
  for (const line of unknownOf(known)) console.log(line);
}

function entriesOf({ stack, state }: KnownStack): Entry[] {
  return (state?.record.deployments ?? []).map((deployment) => {
    const { number, at, by, from, release, type, emergency = false, reason } = deployment;
    return {
      ...{ stack, number, at, by, to: release, type, emergency },
      ...(from !== undefined && { from }),
      ...(reason !== undefined && { reason }),
      outcome: outcomeOf(deployment, state?.finished ?? 0),
    };
  });
}

const cellsOf = (entry: Entry): string[] => [
  String(entry.number),
  entry.stack,
  `${entry.at.slice(0, 16)}Z`,
  entry.by,
  entry.from ?? "-",
  entry.to,
  entry.type,
  entry.outcome,
  entry.emergency ? "yes" : "no",
  entry.reason ?? "-",
];
