import { objectives, type Objective } from "../components/lib/objectives.ts";
import type { Release } from "../config/release.ts";
import { checksumOf, requestFor, statedFor, type Situation } from "./change.ts";
import { commands } from "./commands.ts";
import {
  appended,
  denialOf,
  lastDeployment,
  nextRestorePoint,
  outcomeOf,
  schemaAfter,
  type ChangeType,
  type Denial,
  type Deployment,
  type DeploymentRecord,
  type RecordState,
  type SchemaRange,
} from "./record.ts";
import { brokenHistory, checkRestore, madeOf, pointsBefore } from "./restore.ts";
import { compareVersions } from "./version.ts";

/** A way out; the commands are to be typed as they are. */
export interface Way {
  readonly what: string;
  readonly commands: readonly string[];
}

/** Why a change cannot be made as it was asked for, and what can be done instead. */
export interface Refusal {
  readonly verdict: "refused";
  readonly reason: string;
  readonly allowed: string;
  /** Ways out, the one that goes back furthest first. */
  readonly ways: readonly Way[];
}

/** What a run will do, decided before it declares anything. */
export type Decision =
  | { readonly verdict: "unchanged"; readonly record: DeploymentRecord }
  | {
      readonly verdict: "go";
      readonly type: ChangeType;
      /** What is promised for going back; undefined for a change that goes forward. */
      readonly objective?: Objective;
      readonly deployment: Deployment;
      readonly record: DeploymentRecord;
    }
  | Refusal;

const objectiveOf: Readonly<Partial<Record<ChangeType, Objective>>> = {
  app: objectives.appRollback,
  config: objectives.configRollback,
  full: objectives.fullRollback,
  database: objectives.fullRollback,
};

/**
 * The lowest level at which the change is safe, from the running release, the target and the schema that may be live;
 * or why there is none. The migration gate checks the live schema again, in the cluster.
 */
export function decide(situation: Situation): Decision {
  const { target, state, data } = situation;
  const last = state === undefined ? undefined : lastDeployment(state);
  if (state === undefined || last === undefined) return go(situation, "first", none);
  const broken = brokenHistory(situation, last.generation);
  if (broken !== undefined) return broken;
  const restores = data.generation !== last.generation;
  const ran = state.record.deployments.findLast(({ release }) => release === target.version);
  if (ran !== undefined && ran.checksum !== checksumOf(target))
    return refusedAsChanged(situation, ran);
  if (last.release === target.version && !restores) {
    const migratesAgain =
      last.restorePoint !== undefined && outcomeOf(last, state.finished) !== "finished";
    return migratesAgain
      ? again(situation, state, last)
      : { verdict: "unchanged", record: state.record };
  }
  const denial = denialOf(state.record, target.version);
  if (denial !== undefined && !mayRetry(situation)) return refusedAsDenied(situation, denial);

  const live = schemaAfter(last, state.finished);
  if (!restores) {
    return live.lowest > target.schema.max
      ? refusedBySchema(situation, last, live)
      : go(situation, typeOf(situation, last), live);
  }
  const restored = checkRestore(situation, live);
  if ("verdict" in restored) return restored;
  return go(situation, last.release === target.version ? "database" : "full", restored);
}

/** Before the first run there is no schema. */
const none: SchemaRange = { lowest: 0, highest: 0 };

function typeOf({ target, releases }: Situation, last: Deployment): ChangeType {
  if (compareVersions(target.version, last.release) > 0) return "upgrade";
  const running = releases.find(({ version }) => version === last.release);
  // A release that is no longer kept may have changed anything.
  return running === undefined || configurationOf(running) !== configurationOf(target)
    ? "config"
    : "app";
}

function configurationOf({ config, features, secrets }: Release): string {
  return checksumOf({ config, features, secrets } as Release);
}

/** A reason counts once: the text that let a release out before it was taken back again says nothing new. */
function mayRetry(situation: Situation): boolean {
  const why = requestFor(situation)?.allowRetry;
  if (why === undefined || why.trim() === "") return false;
  const used = situation.state?.record.denials ?? [];
  return !used.some(
    ({ release, lifted }) => release === situation.target.version && lifted?.reason === why,
  );
}

function go(situation: Situation, type: ChangeType, live: SchemaRange): Decision {
  const { target, state, data, now, user } = situation;
  const last = state === undefined ? undefined : lastDeployment(state);
  const { reason, requestedBy, emergency } = statedFor(situation);
  const migrates = live.lowest < target.schema.target;
  const deployment: Deployment = {
    number: (last?.number ?? 0) + 1,
    release: target.version,
    checksum: checksumOf(target),
    at: now.toISOString(),
    by: requestedBy ?? user,
    type,
    ...(last !== undefined && { from: last.release }),
    ...(reason !== undefined && { reason }),
    ...(emergency === true && { emergency }),
    generation: data.generation,
    ...(data.from !== undefined &&
      data.generation !== last?.generation && { restored: madeOf(situation, data.from) }),
    // Before the first release there is nothing to go back to.
    ...(migrates && type !== "first" && { restorePoint: nextRestorePoint(state, target.version) }),
    schema: {
      during: { lowest: live.lowest, highest: Math.max(live.highest, target.schema.target) },
      after: {
        lowest: Math.max(live.lowest, target.schema.target),
        // Its gate lets no schema pass that is outside the window.
        highest: Math.min(Math.max(live.highest, target.schema.target), target.schema.max),
      },
    },
  };
  return goOf(deployment, withDenials(appended(state, deployment), situation, deployment));
}

/**
 * The same change once more, from where it stopped. Since then the product may have written for hours: the migrations get
 * a restore point after that, and the first one stays.
 */
function again(situation: Situation, state: RecordState, last: Deployment): Decision {
  const { restored, ...same } = last;
  void restored;
  const { reason, requestedBy, emergency } = statedFor(situation);
  const deployment: Deployment = {
    ...same,
    number: last.number + 1,
    at: situation.now.toISOString(),
    by: requestedBy ?? situation.user,
    // What was said of the first attempt holds until something else is said.
    ...(reason !== undefined && { reason }),
    ...(emergency === true && { emergency }),
    restorePoint: nextRestorePoint(state, situation.target.version),
  };
  return goOf(deployment, appended(state, deployment));
}

function goOf(deployment: Deployment, record: DeploymentRecord): Decision {
  const { type } = deployment;
  const objective = objectiveOf[type];
  return { verdict: "go", type, ...(objective !== undefined && { objective }), deployment, record };
}

/** Going back denies the release that is left; coming out again lifts the denial. */
function withDenials(
  record: DeploymentRecord,
  situation: Situation,
  { release, from, at, by, type, reason }: Deployment,
): DeploymentRecord {
  const why = requestFor(situation)?.allowRetry;
  const denials = record.denials.map((denial) =>
    denial.release === release && denial.lifted === undefined && why !== undefined
      ? { ...denial, lifted: { at, by, reason: why } }
      : denial,
  );
  const wentBack = type === "app" || type === "config" || type === "full";
  if (!wentBack || from === undefined || compareVersions(release, from) > 0) {
    return { ...record, denials };
  }
  const denied: Denial = { release: from, at, by, ...(reason !== undefined && { reason }) };
  return { ...record, denials: [...denials, denied] };
}

/** Out with a repaired release. */
function repair({ stack, releases, state }: Situation, release: string): readonly string[] {
  const deployed = (state?.record.deployments ?? []).map(({ release: version }) => version);
  return commands.repair(stack, release, [...releases.map(({ version }) => version), ...deployed]);
}

function refusedAsChanged(situation: Situation, ran: Deployment): Refusal {
  const { target } = situation;
  return {
    verdict: "refused",
    reason: `releases/${target.version}.yaml was changed after ${ran.by} deployed it on ${ran.at}`,
    allowed: `the content with the checksum ${ran.checksum}; it has ${checksumOf(target)}`,
    ways: [
      { what: "restore the file", commands: [`git log -p releases/${target.version}.yaml`] },
      {
        what: "bring the change out as a release of its own",
        commands: repair(situation, target.version),
      },
    ],
  };
}

function refusedAsDenied(situation: Situation, { at, by, reason }: Denial): Refusal {
  const { target, stack } = situation;
  return {
    verdict: "refused",
    reason: `${target.version} was taken back on ${at} by ${by}: ${reason ?? "no reason was given"}`,
    allowed: "a release that was not taken back, or a reason why this one may come out again",
    ways: [
      { what: "bring out a repaired release", commands: repair(situation, target.version) },
      {
        what: "try it again, when the cause lay outside of it",
        commands: commands.retry(stack, target.version),
      },
    ],
  };
}

function refusedBySchema(situation: Situation, last: Deployment, live: SchemaRange): Refusal {
  const { target, stack } = situation;
  const { max } = target.schema;
  const withData = backWithData(situation);
  const nearest = situation.releases
    .filter(
      ({ version, schema }) =>
        version !== last.release && schema.max >= live.highest && schema.min <= live.lowest,
    )
    .filter(({ version }) => compareVersions(version, last.release) < 0)
    .filter(({ version }) => denialOf(situation.state?.record ?? empty, version) === undefined)
    .sort((a, b) => compareVersions(b.version, a.version))[0];
  return {
    verdict: "refused",
    reason: `the database has schema version ${inWords(live)}, ${target.version} runs on ${String(target.schema.min)} to ${String(max)}: its code would not become ready`,
    allowed: "a release that runs on the live schema, or the data of before as well",
    ways: [
      ...(withData === undefined ? [] : [withData]),
      ...(nearest === undefined
        ? []
        : [
            {
              what: `go back to ${nearest.version}, which runs on the live schema, and keep the data`,
              commands: commands.deploy(stack, nearest.version),
            },
          ]),
      {
        what: "go forward with a repaired release",
        commands: repair(situation, last.release),
      },
    ],
  };
}

/**
 * The way to a release together with its data; undefined where no restore point lies before what it cannot run on, or
 * where backups do not reach as far back any more.
 */
export function backWithData(situation: Situation): Way | undefined {
  const { target, stack, data } = situation;
  const [point, ...later] = pointsBefore(situation, target.schema.max);
  if (point === undefined) return undefined;
  const more = later
    .filter(({ release }) => release === point.release)
    .map(
      ({ name }) =>
        `; ${name}, from when it was tried again, keeps more where nothing was changed before`,
    );
  return {
    what: `go back together with the data, to the restore point before ${point.name}; what was written since is lost and has to be accepted${more.join("")}`,
    commands: commands.restore(stack, target.version, point, data),
  };
}

const empty: DeploymentRecord = { format: 1, deployments: [], denials: [] };

export function inWords({ lowest, highest }: SchemaRange): string {
  return lowest === highest ? String(lowest) : `${String(lowest)} to ${String(highest)}`;
}
