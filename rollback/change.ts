import { contentHash } from "../components/lib/content-hash.ts";
import type { Release } from "../config/release.ts";
import { denialOf, lastDeployment, type Origin, type RecordState } from "./record.ts";

/** What an operator says about a change, for the release that it names. */
export interface ChangeRequest {
  readonly release: string;
  readonly reason?: string;
  readonly requestedBy?: string;
  readonly emergency?: boolean;
  /** Why a release that was taken back may come out again. */
  readonly allowRetry?: string;
  /** Restore point, time or generation whose loss is accepted: all that was written after it, or in it. */
  readonly acceptLoss?: string;
}

/** The data that serves after the change. */
export interface DataTarget {
  /** Number of the last generation, from 1. */
  readonly generation: number;
  readonly from?: Origin;
  /** Generation that it is restored from. @default the one before it */
  readonly of?: number;
  /** Region that writes, and makes it. */
  readonly region: string;
  /** Size of its volume, for the command that adds another one. */
  readonly storage: string;
}

/** All that decides whether, and how, a stack may go to a release. */
export interface Situation {
  readonly stack: string;
  readonly target: Release;
  /** Every release that is kept, the target among them. */
  readonly releases: readonly Release[];
  /** Undefined before the first run. */
  readonly state: RecordState | undefined;
  readonly data: DataTarget;
  /** Of the stack file; one for another release says nothing about this one. */
  readonly change: ChangeRequest | undefined;
  readonly restoreWindowDays: number;
  readonly now: Date;
  /** Who runs it, where the change does not say who asked for it. */
  readonly user: string;
}

/** What is recorded of a release's content: a later file of the same name can be told from it. */
export function checksumOf({ madeWith, ...content }: Release): string {
  void madeWith;
  return contentHash(content);
}

/** The part of the stack file that speaks about this release; nothing old is taken for new. */
export function requestFor({ change, target }: Situation): ChangeRequest | undefined {
  return change?.release === target.version ? change : undefined;
}

/** What is recorded of who asked for a change and why. */
export type Stated = Pick<ChangeRequest, "reason" | "requestedBy" | "emergency">;

/**
 * Who asked for this change, and why, as the stack file says. Empty where exactly this was recorded with an earlier
 * deployment of the release: it was left in the file, and nobody has said it of this one.
 */
export function statedFor(situation: Situation): Stated {
  const request = requestFor(situation);
  return request === undefined || isRecorded(situation, request) ? {} : request;
}

/** Whether the stack file says something of this release that was recorded before, with a deployment that ended. */
export function repeatsItself(situation: Situation): boolean {
  const last = situation.state && lastDeployment(situation.state);
  if (last?.release === situation.target.version && last.number !== situation.state?.finished)
    return false;
  const { reason, requestedBy, emergency } = requestFor(situation) ?? {};
  const saysSomething = reason !== undefined || requestedBy !== undefined || emergency === true;
  return saysSomething && Object.keys(statedFor(situation)).length === 0;
}

function isRecorded({ state, target }: Situation, said: Stated): boolean {
  if (state === undefined) return false;
  // What was taken back comes out for a new reason alone: the file was written anew.
  if (denialOf(state.record, target.version) !== undefined) return false;
  return state.record.deployments.some(
    ({ release, by, reason, emergency = false }) =>
      release === target.version &&
      reason === said.reason &&
      emergency === (said.emergency ?? false) &&
      (said.requestedBy === undefined || by === said.requestedBy),
  );
}
