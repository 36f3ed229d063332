import type { batch, core } from "@pulumi/kubernetes/types/input.js";

import { contentHash } from "./content-hash.ts";
import { timeoutsOf } from "./gate.ts";
import type { Scope, Workload } from "./labels.ts";
import { metadata } from "./labels.ts";

export interface OneShotJobArgs {
  readonly workload: Workload;
  /** Beginning of the Job's name; the content decides how it ends. */
  readonly name: string;
  /** Longest that all attempts together may take. */
  readonly deadlineSeconds: number;
  /** How often a pod that failed is followed by another one. */
  readonly retries: number;
  readonly template: core.v1.PodTemplateSpec;
}

/**
 * A Job named by its content: the same content is the same, finished Job, so nothing runs twice; any change is a new Job,
 * because the API refuses to change one.
 */
export function oneShotJob(scope: Scope, args: OneShotJobArgs) {
  const { workload, name, deadlineSeconds, retries, template } = args;
  const spec: batch.v1.JobSpec = {
    backoffLimit: retries,
    activeDeadlineSeconds: deadlineSeconds,
    // No ttlSecondsAfterFinished: the finished Job is the record that this content has run.
    template,
  };
  return {
    metadata: {
      ...metadata(scope, workload, `${name}-${contentHash(spec)}`),
      // A Job that failed stays failed; the next run replaces it instead of waiting for it.
      annotations: { "pulumi.com/replaceUnready": "true" },
    },
    spec,
  };
}

/** The engine's own limits lie after that of the work itself, so that the work reports its reason first. */
export function timeoutsAfter(deadlineSeconds: number) {
  return timeoutsOf(deadlineSeconds + 60);
}
