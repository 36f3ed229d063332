import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import * as pulumi from "@pulumi/pulumi";

import type { Scope } from "../lib/labels.ts";
import { metadata } from "../lib/labels.ts";
import { clusterConfig } from "./cluster-config.ts";
import type { Generation } from "./generation.ts";
import { clusterLabels, scopeOf } from "./generation.ts";

export interface PostgresRoleArgs {
  readonly scope: Scope;
  /** Every generation of the data; the last one serves. */
  readonly generations: readonly Generation[];
  /** Memory limit of the server's container. */
  readonly memory: string;
  /** In the standby region, the other region's leader, which is followed. */
  readonly follow?: { readonly host: string; readonly port: number };
}

/**
 * Says whether this region's Postgres writes or follows the other region's; Patroni acts on it within a second.
 * Defines a ConfigMap per generation, of which the program owns the annotation `config` and Patroni the rest. It holds what
 * Patroni knows about the cluster, so it is as precious as the data.
 */
export class PostgresRole extends pulumi.ComponentResource {
  constructor(name: string, args: PostgresRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:postgres:PostgresRole", name, args, opts);
    const { scope, generations, memory, follow } = args;

    for (const { number, storage } of generations) {
      const config = clusterConfig({
        ...{ memory, storage },
        ...(follow && { follow }),
        // Its writers are stopped before the next one begins: what is written from then on would be lost.
        isClosed: number !== generations.at(-1)?.number,
      });
      const meta = metadata(scope, "database", `${scopeOf(number)}-config`);
      new ConfigMap(
        `${name}-${String(number)}`,
        {
          metadata: {
            ...meta,
            labels: { ...meta.labels, ...clusterLabels(number) },
            annotations: {
              config: JSON.stringify(config),
              // The program alone says what the role is: what a tool wrote there in the meantime is taken back.
              "pulumi.com/patchForce": "true",
            },
          },
        },
        { parent: this, protect: true, retainOnDelete: true },
      );
    }
    this.registerOutputs({});
  }
}
