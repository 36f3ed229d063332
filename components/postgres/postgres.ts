import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import * as pulumi from "@pulumi/pulumi";

import type { Archive, ArchiveAccess } from "../lib/archive.ts";
import { contentHash } from "../lib/content-hash.ts";
import type { Database } from "../lib/database.ts";
import { databaseService } from "../lib/database.ts";
import { heard } from "../lib/gate.ts";
import type { Scope } from "../lib/labels.ts";
import { metadata } from "../lib/labels.ts";
import type { Entrance, Peering } from "../lib/peering.ts";
import type { Resources } from "../lib/pod.ts";
import { patroniRules } from "./access.ts";
import type { PeerRegion } from "./environment.ts";
import { scriptEnvironment } from "./environment.ts";
import type { Generation } from "./generation.ts";
import { clusterLabels, membersService, scopeOf, statefulSetOf } from "./generation.ts";
import { lostRowsJob } from "./lost-rows.ts";
import { postgresPod } from "./pod.ts";
import type { EntranceService } from "./services.ts";
import { clientService, memberService, peerApiService, peerService } from "./services.ts";
import { settingsOf } from "./settings.ts";

export interface PostgresArgs extends Database {
  readonly scope: Scope;
  /** AWS region, which is part of the members' names. */
  readonly region: string;
  readonly storageClass: string;
  /** Where the other region finds this database. */
  readonly entrance: Entrance;
  readonly archive: Archive;
  readonly archiveAccess: ArchiveAccess;
  /** Authority of S3 servers that are not AWS's own, PEM. */
  readonly storageCa?: string;
  readonly peer: PeerRegion;
  /** Networks that the other region's connections come from. */
  readonly peerCidrs: readonly string[];
  readonly peering: Peering;
  /** Image with Postgres, Patroni, pgBackRest and their scripts, pinned by digest. */
  readonly image: string;
  /** Members in this region. */
  readonly replicas: number;
  /** The last one serves. Those before have no members any more, and keep their volumes. */
  readonly generations: readonly Generation[];
  /** Lets a region that was cold start to write while it cannot ask the other one. */
  readonly promoteAlone?: boolean;
  readonly resources: Resources;
  readonly exporterResources: Resources;
  /** Of the backup server and of the agent, each. */
  readonly sidecarResources: Resources;
}

/** A restore takes as long as the data is large; the engine waits for it. */
const longestRestore = "2h";

/**
 * Keeps the product's data in this region, on several members of which one leads, and keeps it when everything else here
 * is deleted. Stateful. Defines Patroni's rights, a ConfigMap of settings and a StatefulSet per generation, Services for
 * clients, members and the other region, and a PodDisruptionBudget. Whether the region writes is said by PostgresRole, on
 * which nothing here depends. The Secrets have to exist.
 */
export class Postgres extends pulumi.ComponentResource {
  constructor(name: string, args: PostgresArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:postgres:Postgres", name, args, opts);
    const { scope, region, replicas, generations } = args;
    const meta = (object: string) => metadata(scope, "database", object);
    const serving = generations.at(-1);
    if (serving === undefined) throw new Error(`${name}: generations must have an entry, got none`);

    const access = this.#access(name, args);
    const members = new Service(
      `${name}-members`,
      { metadata: meta(membersService), spec: memberService() },
      { parent: this },
    );
    const server = this.#generation(name, args, serving, replicas, [access, members], heard(opts));
    const client = new Service(
      `${name}-service`,
      { metadata: meta(databaseService), spec: clientService(serving.number) },
      // It moves to a restored generation when that one is up, which is to say restored to what was asked for.
      { parent: this, dependsOn: [server] },
    );
    const entrance = { generation: serving.number, ...args };
    for (const [object, { annotations, spec }] of [
      [`${databaseService}-peer`, peerService(entrance)],
      [`${databaseService}-peer-api`, peerApiService(entrance)],
    ] satisfies [string, EntranceService][]) {
      new Service(
        `${name}-${object.replace(`${databaseService}-`, "")}`,
        { metadata: { ...meta(object), ...(annotations && { annotations }) }, spec },
        { parent: this, dependsOn: [server] },
      );
    }
    const counted = this.#lostRows(name, args, serving, server, opts);
    for (const earlier of generations.slice(0, -1)) {
      this.#generation(name, args, earlier, 0, [access, members, client, ...counted]);
    }
    new PodDisruptionBudget(
      `${name}-budget`,
      {
        metadata: meta(databaseService),
        spec: {
          // One member may go: the others hold every commit.
          maxUnavailable: 1,
          selector: { matchLabels: clusterLabels(serving.number) },
        },
      },
      { parent: this },
    );
    this.registerOutputs({ statefulSet: statefulSetOf(serving.number, region) });
  }

  /** What Patroni may do with the API. */
  #access(name: string, { scope, region, replicas, generations }: PostgresArgs): RoleBinding {
    const meta = metadata(scope, "database", "database");
    const numbers = generations.map(({ number }) => number);
    const role = new Role(
      `${name}-patroni`,
      { metadata: meta, rules: patroniRules(numbers, region, replicas) },
      { parent: this },
    );
    return new RoleBinding(
      `${name}-patroni`,
      {
        metadata: meta,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: meta.name },
        subjects: [{ kind: "ServiceAccount", name: "database", namespace: scope.namespace }],
      },
      { parent: this, dependsOn: [role] },
    );
  }

  /** Counts what the restore took away, while the generation before still stands. */
  #lostRows(
    name: string,
    args: PostgresArgs,
    { number, from }: Generation,
    server: StatefulSet,
    opts: pulumi.ComponentResourceOptions | undefined,
  ): Job[] {
    if (from === undefined) return [];
    const job = new Job(`${name}-lost-rows-${String(number)}`, lostRowsJob(args, number, from), {
      parent: this,
      dependsOn: [server],
      retainOnDelete: true,
      customTimeouts: { create: longestRestore, update: longestRestore },
      ...heard(opts),
    });
    return [job];
  }

  #generation(
    name: string,
    args: PostgresArgs,
    generation: Generation,
    replicas: number,
    dependsOn: pulumi.Resource[],
    hooks: ReturnType<typeof heard> = {},
  ): StatefulSet {
    const { scope, region } = args;
    const { number, storage } = generation;
    const files = settingsOf({ ...args, generation });
    const meta = (object: string) => metadata(scope, "database", object);
    const settings = new ConfigMap(
      `${name}-settings-${String(number)}`,
      { metadata: meta(`${scopeOf(number)}-settings`), data: files },
      { parent: this },
    );
    const matchLabels = clusterLabels(number);
    const template = postgresPod({
      ...args,
      generation: number,
      settings: `${scopeOf(number)}-settings`,
      settingsHash: contentHash(files),
      environment: scriptEnvironment({ ...args, namespace: scope.namespace, generation }),
      promoteAlone: args.promoteAlone === true,
    });
    return new StatefulSet(
      `${name}-${String(number)}`,
      {
        metadata: meta(statefulSetOf(number, region)),
        spec: {
          replicas,
          serviceName: membersService,
          selector: { matchLabels },
          podManagementPolicy: "Parallel",
          revisionHistoryLimit: 10,
          updateStrategy: { type: "RollingUpdate" },
          persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
          template,
          volumeClaimTemplates: [
            {
              metadata: { name: "data", labels: matchLabels },
              spec: {
                accessModes: ["ReadWriteOnce"],
                storageClassName: args.storageClass,
                resources: { requests: { storage } },
              },
            },
          ],
        },
      },
      {
        parent: this,
        protect: true,
        retainOnDelete: true,
        dependsOn: [...dependsOn, settings],
        customTimeouts: { create: longestRestore, update: longestRestore },
        ...hooks,
      },
    );
  }
}
