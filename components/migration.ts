import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import * as pulumi from "@pulumi/pulumi";

import type { Database } from "./lib/database.ts";
import { databaseEnvironment, databasePassword } from "./lib/database.ts";
import type { Scope } from "./lib/labels.ts";
import { oneShotJob, timeoutsAfter } from "./lib/one-shot-job.ts";
import type { Resources } from "./lib/pod.ts";
import { container, podTemplate } from "./lib/pod.ts";

export interface MigrationArgs extends Database {
  readonly scope: Scope;
  /** The release's migrations, pinned by digest. */
  readonly image: string;
  /** Oldest and newest schema version the release runs on, and the one its migrations lead to. */
  readonly schema: { readonly min: number; readonly max: number; readonly target: number };
  /** Longest that all attempts together may take. */
  readonly deadlineSeconds: number;
  readonly resources: Resources;
}

/**
 * Brings the schema to the release's target, once per release and region; what depends on it starts afterwards.
 * Defines one Job. A database that is already ahead but inside the release's window is left as it is.
 */
export class Migration extends pulumi.ComponentResource {
  constructor(name: string, args: MigrationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:release:Migration", name, args, opts);
    const { scope, image, schema, deadlineSeconds, resources } = args;

    const migrate = container({
      name: "migrate",
      image,
      environment: {
        ...databaseEnvironment(args),
        SCHEMA_MIN: String(schema.min),
        SCHEMA_MAX: String(schema.max),
        SCHEMA_TARGET: String(schema.target),
      },
      resources,
      secretFiles: [databasePassword],
    });
    const template = podTemplate(scope, "migration", {
      containers: [migrate],
      secretFiles: [databasePassword],
      // Each attempt is a pod of its own, so that the log of a failed one stays.
      placement: { restartPolicy: "Never" },
    });
    new Job(
      name,
      oneShotJob(scope, {
        workload: "migration",
        name: "db-migration",
        deadlineSeconds,
        // Each attempt continues where the one before it stopped.
        retries: 2,
        template,
      }),
      { parent: this, customTimeouts: timeoutsAfter(deadlineSeconds) },
    );
    this.registerOutputs({});
  }
}
