import type { batch, core } from "@pulumi/kubernetes/types/input.js";

import { contentHash } from "./content-hash.ts";
import type { Scope, Workload } from "./labels.ts";
import { metadata } from "./labels.ts";

/**
 * A Job named by its content: the same content is the same, finished Job, so nothing runs twice; any change is a new Job,
 * because the API refuses to change one.
 */
export function oneShotJob(
  scope: Scope,
  workload: Workload,
  name: string,
  deadlineSeconds: number,
  template: core.v1.PodTemplateSpec,
) {
  const spec: batch.v1.JobSpec = {
    backoffLimit: 2,
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

/** The engine's own limit lies after the Job's, so that the Job reports its reason first. */
export function jobTimeouts(deadlineSeconds: number) {
  return { create: `${String(deadlineSeconds + 60)}s` };
}
