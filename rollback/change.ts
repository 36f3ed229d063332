import { contentHash } from "../components/lib/content-hash.ts";
import type { Release } from "../config/release.ts";
import type { RecordState } from "./record.ts";

/** What an operator says about a change, for the release that it names. */
export interface ChangeRequest {
  readonly release: string;
  readonly reason?: string;
  readonly requestedBy?: string;
  readonly emergency?: boolean;
  /** Why a release that was taken back may come out again. */
  readonly allowRetry?: string;
  /** Restore point whose loss is accepted: all that was written after it. */
  readonly acceptLoss?: string;
}

/** Where a data generation came from. */
export type Origin =
  { readonly point: string } | { readonly time: string } | { readonly latest: true };

/** The data that serves after the change. */
export interface DataTarget {
  /** Number of the last generation, from 1. */
  readonly generation: number;
  readonly from?: Origin;
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
