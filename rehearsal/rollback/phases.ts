import type { Step } from "../engine.ts";

/** One part of a change: when it began, counted from the flag, and how long it took. */
export interface Part {
  readonly name: string;
  readonly startSeconds: number;
  readonly seconds: number;
}

/** Which part of a rollback each component does, by its Pulumi type, in the order in which they begin. */
const parts: Readonly<Record<string, readonly string[]>> = {
  "recorded, and the bad release denied": ["lifeline:release:ReleaseRecord"],
  "data restored as a new generation": [
    "lifeline:postgres:PostgresRole",
    "lifeline:postgres:Postgres",
  ],
  "first backup of the generation": ["lifeline:postgres:Backups"],
  "database writes, schema fits": ["lifeline:postgres:WritableGate", "lifeline:release:Migration"],
  "code and configuration": ["lifeline:access:AppSecrets", "lifeline:release:WebService"],
  "smoke gate": ["lifeline:release:SmokeGate"],
};

/** Splits an update by the clock; parts in which nothing changed are left out. */
export function partsOf(steps: readonly Step[], startedAt: number): Part[] {
  const changed = steps.filter(
    ({ operation, type }) => operation !== "same" && !type.startsWith("lifeline:"),
  );
  return Object.entries(parts).flatMap(([name, components]) => {
    const own = changed.filter(({ urn }) => components.some((type) => typesIn(urn).includes(type)));
    if (own.length === 0) return [];
    const began = Math.min(...own.map((step) => step.startedAt));
    const ended = Math.max(...own.map((step) => step.finishedAt ?? step.startedAt));
    return [{ name, startSeconds: (began - startedAt) / 1000, seconds: (ended - began) / 1000 }];
  });
}

const typesIn = (urn: string): string[] => urn.split("::")[2]?.split("$") ?? [];
