import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import * as pulumi from "@pulumi/pulumi";

import { archiveOwn, archivePeer } from "../lib/archive.ts";
import { contentHash } from "../lib/content-hash.ts";
import { databasePassword, databaseTls } from "../lib/database.ts";
import { heard } from "../lib/gate.ts";
import type { Scope } from "../lib/labels.ts";
import { metadata } from "../lib/labels.ts";
import { oneShotJob, timeoutsAfter } from "../lib/one-shot-job.ts";
import type { Peering } from "../lib/peering.ts";
import type { Resources } from "../lib/pod.ts";
import { container, podTemplate } from "../lib/pod.ts";
import { podFields, scriptEnvironment } from "./environment.ts";
import { scopeOf } from "./generation.ts";
import { places } from "./places.ts";
import { settingsMount } from "./report-volumes.ts";
import type { SettingsArgs } from "./settings.ts";
import { archiveSettings } from "./settings.ts";

export interface RestoreGateArgs extends SettingsArgs {
  readonly scope: Scope;
  readonly region: string;
  readonly peering: Peering;
  /** Image with Postgres, pgBackRest and their scripts, pinned by digest. */
  readonly image: string;
  readonly resources: Resources;
  /** When the restore was asked for: what was refused then may be possible now. */
  readonly askedAt: string;
}

/** Looking into an archive takes seconds; it can have a million files. */
const deadlineSeconds = 600;

/** Once it has seen what it had to see, no later change of the database's settings asks again. */
const once = ["metadata", "data", "spec"];

/**
 * Ends when the archives have what the serving generation of the data is to be made of; nothing of it begins before, and
 * the generation before it is not closed. Fails with the reason in the log of its Job. Asks once: for another attempt it
 * needs another name. Passes where that generation is there already. Defines that Job and a ConfigMap of settings.
 */
export class RestoreGate extends pulumi.ComponentResource {
  constructor(name: string, args: RestoreGateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:postgres:RestoreGate", name, args, opts);
    const { scope, image, generation, resources, askedAt } = args;
    // Of each attempt its own: the settings of one that was refused may be what was wrong.
    const object = `${scopeOf(generation.number)}-restore-gate-${contentHash(askedAt)}`;
    const secretFiles = [databasePassword, archiveOwn, archivePeer];
    const settings = new ConfigMap(
      `${name}-settings`,
      { metadata: metadata(scope, "backup", object), data: archiveSettings(args) },
      { parent: this, ignoreChanges: once, retainOnDelete: true },
    );
    const check = container({
      name: "restore-gate",
      image,
      command: [`${places.scripts}/restore-generation.sh`, "--check"],
      fields: podFields,
      environment: scriptEnvironment({ ...args, namespace: scope.namespace }),
      resources,
      secretFiles,
      mounts: [settingsMount, { name: databaseTls, mountPath: places.tls, readOnly: true }],
    });
    const job = oneShotJob(scope, {
      // As a backup it reaches both archives and the members, and nothing else.
      workload: "backup",
      name: `${scopeOf(generation.number)}-restore-gate`,
      deadlineSeconds,
      // A refusal stays one.
      retries: 0,
      template: podTemplate(scope, "backup", {
        containers: [check],
        secretFiles,
        volumes: [
          { name: "settings", configMap: { name: object } },
          { name: databaseTls, secret: { secretName: databaseTls, defaultMode: 0o440 } },
        ],
        placement: { restartPolicy: "Never" },
        annotations: { "lifeline/asked-at": askedAt },
      }),
    });
    new Job(name, job, {
      parent: this,
      dependsOn: [settings],
      ignoreChanges: once,
      // The region in which it ran may be lost later.
      retainOnDelete: true,
      customTimeouts: timeoutsAfter(deadlineSeconds),
      ...heard(opts),
    });
    this.registerOutputs({});
  }
}
