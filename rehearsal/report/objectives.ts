import { objectives } from "../../components/lib/objectives.ts";
import type { Objective } from "../../components/lib/objectives.ts";
import type { ObjectiveResult } from "./evidence.ts";
import { duration } from "./words.ts";

export type Scenario = keyof typeof objectives;

/** Seconds a run measured for one scenario; each figure the objective limits must be there. */
export type Measurement = Readonly<Partial<Omit<Objective, "scenario">>>;

const figures = [
  ["recoverySeconds", "back within"],
  ["lossSeconds", "lost at most"],
  ["proofSeconds", "proved at least every"],
] as const;

/** Every objective of the program against what this run measured; a run may measure only some. */
export function judgeObjectives(
  measured: Readonly<Partial<Record<Scenario, Measurement>>>,
): ObjectiveResult[] {
  return Object.entries(objectives).map(([key, limits]: [string, Objective]) => {
    const { scenario } = limits;
    const limited = figures.filter(([figure]) => limits[figure] !== undefined);
    const objective = limited
      .map(([figure, says]) => `${says} ${span(limits[figure] ?? 0)}`)
      .join(", ");
    const found = measured[key as Scenario];
    if (found === undefined) return { scenario, objective, status: "not measured in this run" };
    const met = limited.every(([figure]) => (found[figure] ?? Infinity) <= (limits[figure] ?? 0));
    const said = limited.map(([figure]) => {
      const value = found[figure];
      return value === undefined ? `${figure} not measured` : span(value);
    });
    return { scenario, objective, status: met ? "met" : "missed", measured: said.join(", ") };
  });
}

const day = 86_400;

function span(seconds: number): string {
  if (seconds === 0) return "nothing";
  return seconds >= day ? `${seconds / day} days` : duration(seconds);
}
