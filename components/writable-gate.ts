import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import * as pulumi from "@pulumi/pulumi";

import type { Database } from "./lib/database.ts";
import { databaseEnvironment, databaseFiles } from "./lib/database.ts";
import type { Scope } from "./lib/labels.ts";
import { oneShotJob, timeoutsAfter } from "./lib/one-shot-job.ts";
import type { Resources } from "./lib/pod.ts";
import { container, podTemplate } from "./lib/pod.ts";

export interface WritableGateArgs extends Database {
  readonly scope: Scope;
  /** Image with the gate's script, pinned by digest. */
  readonly image: string;
  /** Serving generation of the data: another one is waited for again. */
  readonly generation: number;
  /** Longest to wait. */
  readonly deadlineSeconds: number;
  readonly resources: Resources;
}

/** What the Job has left, after its script gave up, to say why. */
const reportSeconds = 30;

/** Long enough for the engine to see that it finished; gone when the region is moved to another time. */
const keptSeconds = 60;

/**
 * Ends when this region's database accepts writes: what needs them starts afterwards. Defines one Job. In a region that was
 * lost it is forgotten, not deleted; it goes by itself.
 */
export class WritableGate extends pulumi.ComponentResource {
  constructor(name: string, args: WritableGateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:postgres:WritableGate", name, args, opts);
    const { scope, image, deadlineSeconds, resources } = args;
    const wait = container({
      name: "writable",
      image,
      command: ["/opt/lifeline/writable.sh"],
      environment: {
        ...databaseEnvironment(args),
        DEADLINE_SECONDS: String(deadlineSeconds - reportSeconds),
      },
      resources,
      secretFiles: databaseFiles,
    });
    const job = oneShotJob(scope, {
      workload: "gate",
      name: "writable",
      deadlineSeconds,
      // The script repeats its question itself.
      retries: 0,
      template: podTemplate(scope, "gate", {
        containers: [wait],
        secretFiles: databaseFiles,
        placement: { restartPolicy: "Never" },
        annotations: { "lifeline/generation": String(args.generation) },
      }),
    });
    new Job(
      name,
      { ...job, spec: { ...job.spec, ttlSecondsAfterFinished: keptSeconds } },
      { parent: this, retainOnDelete: true, customTimeouts: timeoutsAfter(deadlineSeconds) },
    );
    this.registerOutputs({});
  }
}
