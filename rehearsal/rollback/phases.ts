import type { Step } from "../engine.ts";

/** One part of a change: when it began, counted from the flag, and how long it took. */
export interface Part {
  readonly name: string;
  readonly startSeconds: number;
  readonly seconds: number;
}

/** A resource that a run changed, and when that was done. */
export interface Changed {
  readonly urn: string;
  /** ISO 8601. */
  readonly at: string;
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
  return grouped(changed).map(([name, own]) => {
    const began = Math.min(...own.map((step) => step.startedAt));
    const ended = Math.max(...own.map((step) => step.finishedAt ?? step.startedAt));
    return { name, startSeconds: (began - startedAt) / 1000, seconds: (ended - began) / 1000 };
  });
}

/** When each part of a run was done, in seconds from its begin, by what the engine's state says afterwards. */
export function endsOf(
  changed: readonly Changed[],
  [startedAt, finishedAt]: readonly [number, number],
): { readonly name: string; readonly endSeconds: number }[] {
  const within = changed.filter(({ at }) => {
    const moment = Date.parse(at);
    // A run tells its end in whole seconds.
    return moment >= startedAt && moment < finishedAt + 1000;
  });
  return grouped(within).map(([name, own]) => ({
    name,
    endSeconds: (Math.max(...own.map(({ at }) => Date.parse(at))) - startedAt) / 1000,
  }));
}

function grouped<It extends { readonly urn: string }>(all: readonly It[]): [string, It[]][] {
  return Object.entries(parts).flatMap(([name, components]): [string, It[]][] => {
    const own = all.filter(({ urn }) => components.some((type) => typesIn(urn).includes(type)));
    return own.length === 0 ? [] : [[name, own]];
  });
}

const typesIn = (urn: string): string[] => urn.split("::")[2]?.split("$") ?? [];
