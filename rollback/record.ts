import type { Settings } from "./settings.ts";

/** Schema versions of which one is live. */
export interface SchemaRange {
  readonly lowest: number;
  readonly highest: number;
}

/**
 * What kind of change a run was. `app`, `config`, `full` and `database` go back: code alone, code and configuration,
 * all of it, data alone.
 */
export type ChangeType = "first" | "upgrade" | "app" | "config" | "full" | "database";

/** Where a data generation came from. */
export type Origin =
  { readonly point: string } | { readonly time: string } | { readonly latest: true };

/** How a data generation began. */
export interface Restored {
  /** Region that wrote then. */
  readonly region: string;
  /** When it was asked for, ISO 8601, UTC: a restore that was refused and is asked for again is another one. */
  readonly at: string;
  readonly from: Origin;
  /** Generation that it came from. */
  readonly of: number;
}

/** One release that a run began to bring out. */
export interface Deployment {
  /** Counted from 1. */
  readonly number: number;
  readonly release: string;
  /** Of the release's content: what ran under this name. */
  readonly checksum: string;
  /** When the run began, ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  readonly type: ChangeType;
  /** Release before it. */
  readonly from?: string;
  readonly reason?: string;
  readonly emergency?: true;
  /** Data generation that serves. */
  readonly generation: number;
  /** Where that generation was made, and of what; of the deployment that made it. */
  readonly restored?: Restored;
  /** Restore point taken before its migrations; absent when it had none to run. */
  readonly restorePoint?: string;
  readonly schema: {
    /** While it is under way, or where it did not finish. */
    readonly during: SchemaRange;
    readonly after: SchemaRange;
  };
  /** Known once the next one begins. */
  readonly outcome?: "finished" | "not finished";
}

/** A release that was taken back and may not come out again, until somebody says why it may. */
export interface Denial {
  readonly release: string;
  readonly at: string;
  readonly by: string;
  readonly reason?: string;
  readonly lifted?: { readonly at: string; readonly by: string; readonly reason: string };
}

/** What happened to a stack: written by every run, read by the next one before it declares anything. */
export interface DeploymentRecord {
  readonly format: 1;
  /** Oldest first. */
  readonly deployments: readonly Deployment[];
  readonly denials: readonly Denial[];
}

/** The record as the last run left it. */
export interface RecordState {
  readonly record: DeploymentRecord;
  /** Number of the last deployment that came to its end; 0 when none did. */
  readonly finished: number;
  /** The stack file's settings in that one. */
  readonly settings?: Settings;
}

/** Deployments that a record keeps: a year of weekly releases, far below the size limit of an object. */
export const kept = 60;

export function lastDeployment({ record }: RecordState): Deployment | undefined {
  return record.deployments.at(-1);
}

/**
 * The state without deployments at its end that asked for a generation of the data which was refused before anything of it
 * was begun: they have changed nothing, so they deny nothing and nobody has to go back from them.
 */
export function withoutRefused(state: RecordState, begunGenerations: number): RecordState {
  const { record, finished } = state;
  const isRefused = ({ number, generation }: Deployment) =>
    number > finished && generation > begunGenerations;
  const lastBegun = record.deployments.findLastIndex((it) => !isRefused(it));
  const refused = record.deployments.slice(lastBegun + 1);
  if (refused.length === 0) return state;
  const moments = refused.map(({ at }) => at);
  return {
    ...state,
    record: {
      ...record,
      deployments: record.deployments.slice(0, lastBegun + 1),
      denials: record.denials
        .filter(({ at }) => !moments.includes(at))
        .map(({ lifted, ...denial }) =>
          lifted === undefined || moments.includes(lifted.at) ? denial : { ...denial, lifted },
        ),
    },
  };
}

/** How a generation was made, as far as the record tells. */
export function restoredAs(record: DeploymentRecord, generation: number): Restored | undefined {
  const made = ({ generation: serving, restored }: Deployment) =>
    serving === generation && restored !== undefined;
  return record.deployments.findLast(made)?.restored;
}

/** Schema versions that may be live after a deployment. */
export function schemaAfter(deployment: Deployment, finished: number): SchemaRange {
  const isFinished = deployment.outcome === "finished" || deployment.number === finished;
  return isFinished ? deployment.schema.after : deployment.schema.during;
}

/**
 * Name of the restore point before a release's migrations. In a database a name that exists stays where it is: a release
 * that comes out once more, later, needs a later one.
 */
export function nextRestorePoint(state: RecordState | undefined, release: string): string {
  const taken = (state?.record.deployments ?? []).map(({ restorePoint = "" }) => {
    if (restorePoint === release) return 1;
    const [start, turn = ""] = [
      restorePoint.slice(0, release.length + 1),
      restorePoint.slice(release.length + 1),
    ];
    return start === `${release}.` && /^\d+$/.test(turn) ? Number(turn) : 0;
  });
  const turn = Math.max(0, ...taken) + 1;
  return turn === 1 ? release : `${release}.${String(turn)}`;
}

/** The last change, as often as it was tried, oldest first: one that stopped and was run again is another deployment. */
export function attemptsOf({ deployments }: DeploymentRecord): readonly Deployment[] {
  const last = deployments.at(-1);
  const before = deployments.findLastIndex(
    ({ release, generation, outcome }) =>
      release !== last?.release || generation !== last.generation || outcome === "finished",
  );
  return deployments.slice(before + 1);
}

/**
 * Names of the points before the migrations of the last change, one for each time that it was tried, oldest first. An
 * attempt may have stopped before its point was taken: the next one takes what is missing.
 */
export const restorePointsOf = (record: DeploymentRecord): readonly string[] =>
  attemptsOf(record).flatMap(({ restorePoint }) => restorePoint ?? []);

/** The denial that keeps a release back; undefined when it may come out. */
export function denialOf(record: DeploymentRecord, release: string): Denial | undefined {
  return record.denials.find((denial) => denial.release === release && denial.lifted === undefined);
}

/** The record with one deployment more; what became of the one before is settled now. */
export function appended(state: RecordState | undefined, deployment: Deployment): DeploymentRecord {
  const before = state?.record.deployments ?? [];
  const settled = before.map((it) =>
    it.outcome === undefined ? { ...it, outcome: outcomeOf(it, state?.finished ?? 0) } : it,
  );
  return {
    format: 1,
    deployments: withoutOldest([...settled, deployment]),
    denials: state?.record.denials ?? [],
  };
}

/** The last one that came to its end stays, with the one after it: they are the way back, however often that was tried. */
function withoutOldest(all: readonly Deployment[]): readonly Deployment[] {
  const good = all.findLastIndex(({ outcome }) => outcome === "finished");
  const pinned = good === -1 ? [] : all.slice(good, good + 2);
  const recent = all.slice(-kept + pinned.length);
  return [...pinned.filter((it) => !recent.includes(it)), ...recent].slice(-kept);
}

/** What became of a deployment, as far as the record tells. */
export function outcomeOf(
  deployment: Deployment,
  finished: number,
): NonNullable<Deployment["outcome"]> {
  if (deployment.outcome !== undefined) return deployment.outcome;
  return deployment.number === finished ? "finished" : "not finished";
}

/** The text that is kept. */
export function writeRecord(record: DeploymentRecord): string {
  return JSON.stringify(record);
}

/** @throws Error for a text that this program did not write, or that a later one did */
export function readRecord(text: string): DeploymentRecord {
  const record = JSON.parse(text) as DeploymentRecord;
  const { format, deployments, denials } = record as Partial<DeploymentRecord>;
  if (format !== 1 || !Array.isArray(deployments) || !Array.isArray(denials)) {
    throw new Error(
      `the deployment record has the format ${String(format)}, this program knows 1. Fix: run the program that wrote it, or a later one.`,
    );
  }
  return record;
}
