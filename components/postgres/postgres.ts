import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import * as pulumi from "@pulumi/pulumi";

import { contentHash } from "../lib/content-hash.ts";
import { databaseService } from "../lib/database.ts";
import type { Scope } from "../lib/labels.ts";
import { metadata, selector } from "../lib/labels.ts";
import type { Resources } from "../lib/pod.ts";
import { ports } from "../lib/ports.ts";
import { pgHbaConf, pgIdentConf, postgresqlConf } from "./conf.ts";
import { configName, postgresPod } from "./pod.ts";

export interface PostgresArgs {
  readonly scope: Scope;
  /** In the standby region sessions start read-only. */
  readonly role: "primary" | "standby";
  /** Image with the server, the exporter and the init script, pinned by digest. */
  readonly image: string;
  readonly database: string;
  readonly user: string;
  /** Size of the data volume. It is part of the StatefulSet's identity: changing it needs a move of the data. */
  readonly storage: string;
  readonly storageClass: string;
  readonly resources: Resources;
  readonly exporterResources: Resources;
}

/**
 * Keeps the product's data in this region, and keeps it when everything else here is deleted.
 * Stateful. Defines a ConfigMap, a StatefulSet of one with its volume, a headless and a client Service and a
 * PodDisruptionBudget. Does not own the password: the Secret has to exist.
 */
export class Postgres extends pulumi.ComponentResource {
  constructor(name: string, args: PostgresArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:postgres:Postgres", name, args, opts);
    const { scope, role, database, user } = args;
    const parent = { parent: this };
    const meta = (object: string) => metadata(scope, "database", object);

    const files = {
      "postgresql.conf": postgresqlConf({
        writable: role === "primary",
        memory: args.resources.limits.memory,
      }),
      "pg_hba.conf": pgHbaConf(database, user),
      "pg_ident.conf": pgIdentConf(),
    };
    const config = new ConfigMap(
      `${name}-config`,
      { metadata: meta(configName), data: files },
      parent,
    );
    const headless = new Service(
      `${name}-headless`,
      {
        metadata: meta(`${databaseService}-headless`),
        spec: {
          clusterIP: "None",
          // The server's own name has to resolve before it is ready.
          publishNotReadyAddresses: true,
          selector: selector("database"),
          ports: [{ name: "postgres", port: ports.postgres, targetPort: "postgres" }],
        },
      },
      parent,
    );
    const server = new StatefulSet(
      name,
      {
        metadata: meta(databaseService),
        spec: {
          replicas: 1,
          serviceName: `${databaseService}-headless`,
          selector: { matchLabels: selector("database") },
          podManagementPolicy: "OrderedReady",
          revisionHistoryLimit: 10,
          updateStrategy: { type: "RollingUpdate" },
          persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
          template: postgresPod({ ...args, configHash: contentHash(files) }),
          volumeClaimTemplates: [
            {
              metadata: { name: "data", labels: selector("database") },
              spec: {
                accessModes: ["ReadWriteOnce"],
                storageClassName: args.storageClass,
                resources: { requests: { storage: args.storage } },
              },
            },
          ],
        },
      },
      { parent: this, protect: true, retainOnDelete: true, dependsOn: [config, headless] },
    );
    new Service(
      `${name}-service`,
      {
        metadata: meta(databaseService),
        spec: {
          selector: selector("database"),
          ports: [
            { name: "postgres", port: ports.postgres, targetPort: "postgres" },
            { name: "metrics", port: ports.exporter, targetPort: "metrics" },
          ],
        },
      },
      // A Service without ready pods is not ready either.
      { parent: this, dependsOn: [server] },
    );
    new PodDisruptionBudget(
      `${name}-budget`,
      {
        metadata: meta(databaseService),
        spec: {
          // Moving the only copy is a person's decision: delete the pod when a short outage is fine.
          maxUnavailable: 0,
          selector: { matchLabels: selector("database") },
        },
      },
      parent,
    );
    this.registerOutputs({});
  }
}
