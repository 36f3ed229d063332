import type { Release } from "../config/release.ts";
import type { Situation } from "./change.ts";
import { commands } from "./commands.ts";
import { backWithData, decide, type Way } from "./decide.ts";
import {
  denialOf,
  lastDeployment,
  outcomeOf,
  schemaAfter,
  type DeploymentRecord,
} from "./record.ts";
import { settingsBack, type Settings } from "./settings.ts";

/**
 * How to go back when the run that leaves `record` stops somewhere: the one way first, then what to do where that stops,
 * too. Back is where the last run that came to its end had brought the stack; none before the first.
 */
export function waysBack(
  situation: Situation,
  record: DeploymentRecord,
  now: Settings,
): readonly Way[] {
  const { state, releases, stack } = situation;
  const good = record.deployments.find(({ number }) => number === state?.finished);
  const stopped = record.deployments.at(-1);
  if (state === undefined || good === undefined || stopped === undefined) return [];
  const settings = state.settings === undefined ? [] : settingsBack(state.settings, now, stack);
  const target = releases.find(({ version }) => version === good.release);
  if (target === undefined) {
    return [
      {
        what: `go back to ${good.release}, once releases/${good.release}.yaml is there again`,
        commands: commands.deploy(stack, good.release, settings),
      },
    ];
  }
  const after: Situation = { ...situation, state: { ...state, record }, change: undefined };
  if (denialOf(record, good.release) !== undefined) {
    return [
      again(stack, `what ran before, ${good.release}, was taken back`),
      ...toAnother(after, stopped.release),
      {
        what: `bring ${good.release} out once more, where it is the smaller evil`,
        commands: commands.retry(stack, good.release),
      },
    ];
  }
  const next: Situation = { ...after, target };
  const decision = decide(next);
  if (decision.verdict === "refused") return decision.ways.slice(0, 1);
  const way = {
    what: `go back to ${target.version}${programOf(target, situation.target)}`,
    commands: commands.deploy(stack, target.version, settings),
  };
  const isSame = target.version === stopped.release;
  const first = !isSame
    ? way
    : settings.length > 0
      ? { what: "go back to the settings of before", commands: commands.again(stack, settings) }
      : again(stack, "neither the release nor a setting that goes back was changed");
  const withData = backWithData(next);
  const mayBeAhead = schemaAfter(stopped, state.finished).highest > target.schema.max;
  return mayBeAhead && withData !== undefined
    ? [first, { ...withData, what: `where the schema was changed already, ${withData.what}` }]
    : [first];
}

/**
 * What to do where a restore cannot be made: before that is seen, nothing is touched. None where this run begins no
 * generation of the data, or where nothing stands that could be left as it is.
 */
export function waysAround({ state, stack, target, data }: Situation): readonly Way[] {
  const last = state && lastDeployment(state);
  if (last === undefined || data.generation <= last.generation) return [];
  if (outcomeOf(last, state?.finished ?? 0) !== "finished") return [];
  return [
    {
      what: `leave the restore out; nothing was touched, ${last.release} runs on`,
      commands: commands.withoutRestore(stack, last.release, data),
    },
    {
      what: "run it again once the cause is gone, or name another source",
      commands: commands.source(stack, target.version, data),
    },
  ];
}

/** To the newest release that came to its end, was not taken back and may come out as everything is now. */
function toAnother(situation: Situation, stopped: string): Way[] {
  const { state, releases, stack } = situation;
  const finished = state?.finished ?? 0;
  const target = (state?.record.deployments ?? [])
    .filter((it) => it.release !== stopped && outcomeOf(it, finished) === "finished")
    .flatMap(({ release }) => releases.find(({ version }) => version === release) ?? [])
    .findLast((release) => decide({ ...situation, target: release }).verdict === "go");
  if (target === undefined) return [];
  const { version } = target;
  return [
    {
      what: `go to ${version} instead, which ran before`,
      commands: commands.deploy(stack, version),
    },
  ];
}

const again = (stack: string, why: string): Way => ({
  what: `run it again, once the cause is gone: ${why}`,
  commands: commands.again(stack),
});

/** Where releases were made with different programs, the earlier program may have to go back, too. */
function programOf(target: Release, stopped: Release): string {
  const commit = target.madeWith?.commit;
  return commit === undefined || commit === stopped.madeWith?.commit
    ? ""
    : ` (made with the program of commit ${commit}; where the program is at fault, it goes back first, without releases and stack files: git checkout ${commit} -- . ':!releases' ':!Pulumi.*.yaml' && npm install)`;
}

/** One line to copy. */
export const inOneLine = ({ commands: lines }: Way): string => lines.join(" && ");
