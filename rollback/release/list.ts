import { join } from "node:path";

import { readSeals } from "../../config/released.ts";
import type { Release } from "../../config/release.ts";
import { checksumOf } from "../change.ts";
import { decide } from "../decide.ts";
import { denialOf, outcomeOf } from "../record.ts";
import { neutralView } from "./stack-file.ts";
import {
  keptReleases,
  knownStacks,
  situationOf,
  unknownOf,
  type Asked,
  type KnownStack,
} from "./stack-state.ts";
import { aligned } from "./table.ts";

export interface ListOptions extends Asked {
  readonly json?: boolean;
}

/** One release in one stack. */
interface Line {
  readonly release: string;
  readonly stack: string;
  /** Last time it was deployed there. */
  readonly deployed?: { readonly at: string; readonly by: string; readonly outcome: string };
  readonly running: boolean;
  /** What going there now would be: a level, or why not. */
  readonly fromHere: string;
  readonly denied?: { readonly at: string; readonly by: string; readonly reason?: string };
  readonly sealed: boolean;
  readonly schema: Release["schema"];
}

/** Prints every release: where and when it was deployed, what going there now would be, and whether it is denied. */
export async function listReleases({ json = false, ...asked }: ListOptions): Promise<void> {
  const { folder } = asked;
  const known = await knownStacks(asked);
  const lines = keptReleases(folder).flatMap((release) =>
    known.map((it) => lineOf(folder, release, it)),
  );
  if (json) {
    console.log(
      JSON.stringify({ releases: lines, unknown: known.filter((it) => it.unknown) }, null, 2),
    );
    return;
  }
  const rows = lines.map(cellsOf);
  for (const row of aligned([
    ["RELEASE", "STACK", "DEPLOYED", "FROM HERE", "SCHEMA", "SEALED"],
    ...rows,
  ]))
    console.log(row);
  for (const line of unknownOf(known)) console.log(line);
}

function lineOf(folder: string, release: Release, known: KnownStack): Line {
  const { stack, state } = known;
  const deployment = state?.record.deployments.findLast((it) => it.release === release.version);
  const denial = state && denialOf(state.record, release.version);
  const last = state?.record.deployments.at(-1);
  return {
    release: release.version,
    stack,
    ...(deployment !== undefined && {
      deployed: {
        at: deployment.at,
        by: deployment.by,
        outcome: outcomeOf(deployment, state?.finished ?? 0),
      },
    }),
    running: last?.release === release.version,
    fromHere: levelFromHere(folder, release, known),
    ...(denial !== undefined && { denied: denial }),
    sealed: readSeals(join(folder, "releases"))[release.version] !== undefined,
    schema: release.schema,
  };
}

function levelFromHere(folder: string, release: Release, known: KnownStack): string {
  if (known.unknown !== undefined) return "not known";
  const ran = known.state?.record.deployments.findLast((it) => it.release === release.version);
  if (ran !== undefined && ran.checksum !== checksumOf(release)) return "changed since it ran";
  const decision = decide(
    situationOf(folder, known, release, { now: new Date(), view: neutralView }),
  );
  if (decision.verdict === "unchanged") return "is there";
  if (decision.verdict === "refused") {
    const isDenied = known.state && denialOf(known.state.record, release.version) !== undefined;
    return isDenied === true ? "denied" : "not without data";
  }
  // It stopped half-way.
  if (known.state?.record.deployments.at(-1)?.release === release.version) return "again";
  const seconds = decision.objective?.recoverySeconds;
  return seconds === undefined ? decision.type : `${decision.type}, ${String(seconds / 60)} min`;
}

function cellsOf({
  release,
  stack,
  deployed,
  running,
  fromHere,
  schema,
  sealed,
  denied,
}: Line): string[] {
  const when = deployed === undefined ? "never" : `${deployed.at.slice(0, 16)}Z ${deployed.by}`;
  const ended = deployed?.outcome === "not finished" ? " (not finished)" : "";
  const why =
    denied === undefined
      ? ""
      : ` since ${denied.at.slice(0, 10)}: ${denied.reason ?? "no reason given"}`;
  return [
    running ? `${release} *` : release,
    stack,
    `${when}${ended}`,
    `${fromHere}${why}`,
    `${String(schema.min)}..${String(schema.max)}${schema.breaking === undefined ? "" : " breaking"}`,
    sealed ? "yes" : "no",
  ];
}
