import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import * as pulumi from "@pulumi/pulumi";
import { RandomId } from "@pulumi/random/randomId.js";

import type { Database } from "./lib/database.ts";
import { databaseEnvironment, databaseFiles } from "./lib/database.ts";
import { heard } from "./lib/gate.ts";
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

/**
 * Ends when this region's database accepts writes: what needs them starts afterwards. Defines one Job, and the mark of this
 * turn of the region: in a region that was lost the Job is forgotten, not deleted, and must not answer for a later turn.
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
    const turn = new RandomId(`${name}-turn`, { byteLength: 4 }, { parent: this });
    const jobName = pulumi.interpolate`${job.metadata.name}-${turn.hex}`;
    new Job(
      name,
      { ...job, metadata: { ...job.metadata, name: jobName } },
      {
        parent: this,
        retainOnDelete: true,
        customTimeouts: timeoutsAfter(deadlineSeconds),
        ...heard(opts),
      },
    );
    this.registerOutputs({});
  }
}
