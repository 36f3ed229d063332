import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import * as pulumi from "@pulumi/pulumi";

import type { Database } from "./lib/database.ts";
import { databaseEnvironment, databaseFiles } from "./lib/database.ts";
import { heard } from "./lib/gate.ts";
import type { Scope } from "./lib/labels.ts";
import { oneShotJob, timeoutsAfter } from "./lib/one-shot-job.ts";
import type { Resources } from "./lib/pod.ts";
import { container, podTemplate } from "./lib/pod.ts";

export interface MigrationArgs extends Database {
  readonly scope: Scope;
  /** Names of the restore points that are taken before, where they were not taken by an earlier attempt. */
  readonly restorePoints: readonly string[];
  /** The database's image, with the script that takes the restore point, pinned by digest. */
  readonly databaseImage: string;
  /** host:port of the other region's leader, whose archive the restore point should reach too. */
  readonly peerPostgres: string;
  /** The release's migrations, pinned by digest. */
  readonly image: string;
  /** Oldest and newest schema version the release runs on, and the one its migrations lead to. */
  readonly schema: { readonly min: number; readonly max: number; readonly target: number };
  /** Serving generation of the data: a restored one is migrated again. */
  readonly generation: number;
  /**
   * Number of the deployment. Each asks the database anew: a Job that ended for an earlier deployment of the same release
   * says nothing about what a later release has done to the schema.
   */
  readonly deployment: number;
  /** Longest that all attempts together may take. */
  readonly deadlineSeconds: number;
  readonly resources: Resources;
}

/**
 * Brings the schema to the release's target, once per deployment and generation of the data, in the region that writes;
 * what depends on it starts afterwards. Before that it takes a restore point and waits until it is archived.
 * Defines one Job. A database that is already ahead but inside the release's window is left as it is.
 */
export class Migration extends pulumi.ComponentResource {
  constructor(name: string, args: MigrationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:release:Migration", name, args, opts);
    const { scope, image, schema, deadlineSeconds, resources } = args;
    const restorePoint = container({
      name: "restore-point",
      image: args.databaseImage,
      command: ["/opt/lifeline/restore-point.sh", ...args.restorePoints],
      environment: {
        ...databaseEnvironment(args),
        PEER_POSTGRES: args.peerPostgres,
        DEADLINE_SECONDS: String(Math.floor(deadlineSeconds / 2)),
      },
      resources,
      secretFiles: databaseFiles,
    });

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
      secretFiles: databaseFiles,
    });
    const template = podTemplate(scope, "migration", {
      // The way back is in the archive before anything is changed.
      initContainers: [restorePoint],
      containers: [migrate],
      secretFiles: databaseFiles,
      // Each attempt is a pod of its own, so that the log of a failed one stays.
      placement: { restartPolicy: "Never" },
      annotations: {
        "lifeline/generation": String(args.generation),
        "lifeline/deployment": String(args.deployment),
      },
    });
    new Job(
      name,
      oneShotJob(scope, {
        workload: "migration",
        name: "db-migration",
        deadlineSeconds,
        // It continues where the first one stopped, after it has waited for the database; each one more costs a bad
        // release another half minute.
        retries: 1,
        template,
      }),
      {
        parent: this,
        // After a move it is forgotten here, not deleted: the region may be lost.
        retainOnDelete: true,
        customTimeouts: timeoutsAfter(deadlineSeconds),
        ...heard(opts),
      },
    );
    this.registerOutputs({});
  }
}
