import { requestFor, type Situation } from "./change.ts";
import { commands, type RestorePoint } from "./commands.ts";
import type { Refusal } from "./decide.ts";
import {
  restoredAs,
  schemaAfter,
  type Deployment,
  type Origin,
  type Restored,
  type SchemaRange,
} from "./record.ts";

const day = 24 * 60 * 60 * 1000;

/** The schema that a new data generation begins with, or why it must not be made. */
export function checkRestore(situation: Situation, live: SchemaRange): SchemaRange | Refusal {
  const { target, stack, data } = situation;
  const { from } = data;
  if (from === undefined) {
    return refused(
      `data generation ${String(data.generation)} does not say where its data comes from`,
      "a restore point, a time or the latest data of the generation before",
      [{ what: "name the source", commands: sourceOf(situation) }],
    );
  }
  const { of } = madeOf(situation, from);
  if ("latest" in from && of === data.generation - 1)
    return inWindow(situation, live, "the latest data");
  const [loss, source] = targetOf(situation, from, of);
  if ("verdict" in source) return source;
  const windowStart = restorableSince(situation);
  if (source.at < windowStart) {
    return refused(
      `${loss} lies before ${new Date(windowStart).toISOString()}: backups are restorable for ${String(situation.restoreWindowDays)} days`,
      "a restore point or time within lifeline:backups.restoreWindowDays",
      [{ what: "choose a later one", commands: sourceOf(situation) }],
    );
  }
  const schema = inWindow(situation, source.schema, `the data of ${loss}`);
  if ("verdict" in schema) return schema;
  if (requestFor(situation)?.acceptLoss !== loss) {
    return refused(
      `everything written after ${new Date(source.at).toISOString()} (${loss}) would be lost`,
      `lifeline:change.acceptLoss: ${loss}, for the release ${target.version}`,
      [
        {
          what: "accept the loss by its name",
          commands: commands.accept(stack, target.version, loss),
        },
      ],
    );
  }
  return schema;
}

/** The first moment to which backups reach back. */
export const restorableSince = ({
  now,
  restoreWindowDays,
}: Pick<Situation, "now" | "restoreWindowDays">): number => now.getTime() - restoreWindowDays * day;

/**
 * The restore points of the deployments after which the target cannot run, the first one before all of them; none where
 * that one cannot be restored any more.
 */
export function pointsBefore(
  situation: Situation,
  max: number,
): readonly (RestorePoint & { readonly release: string })[] {
  const { state } = situation;
  const deployments = state?.record.deployments ?? [];
  const finished = state?.finished ?? 0;
  const lastGood = deployments.findLastIndex(
    (deployment) => schemaAfter(deployment, finished).highest <= max,
  );
  const points = deployments
    .slice(lastGood + 1)
    .flatMap(({ restorePoint: name, generation, at, release }) =>
      name === undefined ? [] : [{ name, generation, at, release }],
    );
  const [first] = points;
  return first !== undefined && Date.parse(first.at) >= restorableSince(situation) ? points : [];
}

/** How the generation that serves next is made. */
export function madeOf({ data, now }: Situation, from: Origin): Restored {
  const { region, generation, of = generation - 1 } = data;
  return { region, at: now.toISOString(), from, of };
}

/** Why the generations of the stack file do not continue those that there are; undefined where they do. */
export function brokenHistory(situation: Situation, serving: number): Refusal | undefined {
  const { state, data, stack } = situation;
  if (data.generation < serving) {
    return refused(
      `data generation ${String(serving)} was begun, and the stack file ends with ${String(data.generation)}`,
      "all generations that were begun; going back to an earlier one is another one",
      [
        { what: "restore the stack file", commands: commands.history(stack) },
        {
          what: `or, after that, append one that continues generation ${String(data.generation)}; what was written since is lost and has to be accepted`,
          commands: commands.continueFrom(stack, situation.target.version, serving, data),
        },
      ],
    );
  }
  const made = state && restoredAs(state.record, data.generation);
  if (data.generation > serving || made === undefined || data.from === undefined) return undefined;
  const asked = madeOf(situation, data.from);
  const said = (it: Restored) => JSON.stringify({ ...it.from, generation: it.of });
  if (said(made) === said(asked)) return undefined;
  return refused(
    `data generation ${String(data.generation)} was made of ${said(made)}, and the stack file says ${said(asked)}`,
    "what it was made of; another source is another generation",
    [{ what: "restore the stack file", commands: commands.history(stack) }],
  );
}

/** What is lost, by its name, and where the restored data comes from. */
function targetOf(situation: Situation, from: Origin, of: number): [string, Source | Refusal] {
  if ("point" in from) return [from.point, beforePoint(situation, from.point, of)];
  if ("time" in from) return [from.time, beforeTime(situation, from.time)];
  return [`generation ${String(of + 1)}`, endOf(situation, of)];
}

interface Source {
  readonly at: number;
  readonly schema: SchemaRange;
}

function beforePoint(situation: Situation, point: string, of: number): Source | Refusal {
  const { stack, target, data } = situation;
  const { deployments, finished } = known(situation);
  const index = deployments.findLastIndex(({ restorePoint }) => restorePoint === point);
  const deployment = deployments[index];
  if (deployment !== undefined) {
    const { at, generation, restored, schema } = deployment;
    if (generation !== of) {
      const where = { name: point, generation };
      return refused(
        `restore point ${point} was taken in data generation ${String(generation)}, and is looked for in generation ${String(of)}`,
        `from.generation: ${String(generation)}`,
        [
          {
            what: "name that generation; what was written since is lost and has to be accepted",
            commands: commands.ofGeneration(stack, target.version, where, data),
          },
        ],
      );
    }
    const before = deployments[index - 1];
    // A run that restored began with the schema of what it restored, whatever was live before it.
    const isKnown = before !== undefined && restored === undefined;
    return { at: Date.parse(at), schema: isKnown ? schemaAfter(before, finished) : schema.during };
  }
  const points = deployments.flatMap(({ restorePoint }) => restorePoint ?? []);
  return refused(
    `there is no restore point ${point}`,
    points.length === 0 ? "a time; no restore point was taken" : `one of ${points.join(", ")}`,
    [{ what: "name one that was taken", commands: sourceOf(situation) }],
  );
}

/** An earlier generation as it was left: what was written in those after it is not in it. */
function endOf(situation: Situation, generation: number): Source | Refusal {
  const { deployments, finished } = known(situation);
  const index = deployments.findLastIndex((deployment) => deployment.generation === generation);
  const [last, next] = [deployments[index], deployments[index + 1]];
  if (last !== undefined && next !== undefined)
    return { at: Date.parse(next.at), schema: schemaAfter(last, finished) };
  return refused(
    `nothing is known of data generation ${String(generation)}`,
    "a generation that a release ran on",
    [{ what: "name another source", commands: sourceOf(situation) }],
  );
}

function beforeTime(situation: Situation, time: string): Source | Refusal {
  const { deployments, finished } = known(situation);
  const at = Date.parse(time);
  const running = deployments.findLast((deployment) => Date.parse(deployment.at) <= at);
  if (running !== undefined) return { at, schema: schemaAfter(running, finished) };
  return refused(
    `${time} lies before the first deployment`,
    `a time after ${deployments[0]?.at ?? "the first deployment"}`,
    [{ what: "choose a later one", commands: sourceOf(situation) }],
  );
}

function inWindow(situation: Situation, schema: SchemaRange, what: string): SchemaRange | Refusal {
  const { target } = situation;
  if (schema.lowest <= target.schema.max) return schema;
  return refused(
    `${what} has schema version ${String(schema.lowest)}, ${target.version} runs on ${String(target.schema.min)} to ${String(target.schema.max)}`,
    "an earlier restore point, or a release that runs on this schema",
    [{ what: "choose an earlier one", commands: sourceOf(situation) }],
  );
}

function known({ state }: Situation): { deployments: readonly Deployment[]; finished: number } {
  return { deployments: state?.record.deployments ?? [], finished: state?.finished ?? 0 };
}

const sourceOf = ({ stack, target, data }: Situation): string[] =>
  commands.source(stack, target.version, data);

function refused(reason: string, allowed: string, ways: Refusal["ways"]): Refusal {
  return { verdict: "refused", reason, allowed, ways };
}
