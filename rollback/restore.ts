import { requestFor, type Situation } from "./change.ts";
import { commands } from "./commands.ts";
import type { Refusal } from "./decide.ts";
import { schemaAfter, type Deployment, type SchemaRange } from "./record.ts";

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
  if ("latest" in from) return inWindow(situation, live, "the latest data");
  const loss = "point" in from ? from.point : from.time;
  const source =
    "point" in from ? beforePoint(situation, from.point) : beforeTime(situation, from.time);
  if ("verdict" in source) return source;
  const windowStart = situation.now.getTime() - situation.restoreWindowDays * day;
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

interface Source {
  readonly at: number;
  readonly schema: SchemaRange;
}

function beforePoint(situation: Situation, point: string): Source | Refusal {
  const { deployments, finished } = known(situation);
  const index = deployments.findLastIndex(({ restorePoint }) => restorePoint === point);
  const deployment = deployments[index];
  if (deployment !== undefined) {
    const before = deployments[index - 1];
    return {
      at: Date.parse(deployment.at),
      schema: before === undefined ? { lowest: 0, highest: 0 } : schemaAfter(before, finished),
    };
  }
  const points = deployments.flatMap(({ restorePoint }) => restorePoint ?? []);
  return refused(
    `there is no restore point ${point}`,
    points.length === 0 ? "a time; no restore point was taken" : `one of ${points.join(", ")}`,
    [{ what: "name one that was taken", commands: sourceOf(situation) }],
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

function sourceOf({ stack, data }: Situation): string[] {
  const entry = `lifeline:postgres.generations[${String(data.generation - 1)}]`;
  return [`pulumi config set --path '${entry}.from.point' <release> --stack ${stack}`];
}

function refused(reason: string, allowed: string, ways: Refusal["ways"]): Refusal {
  return { verdict: "refused", reason, allowed, ways };
}
