import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import type { batch, core } from "@pulumi/kubernetes/types/input.js";
import * as pulumi from "@pulumi/pulumi";

import type { ArchiveAccess } from "../lib/archive.ts";
import { archiveOwn, archiveProof, archiveReports } from "../lib/archive.ts";
import { heard } from "../lib/gate.ts";
import { databaseEnvironment, databaseFiles, databaseTls } from "../lib/database.ts";
import type { Scope } from "../lib/labels.ts";
import { metadata } from "../lib/labels.ts";
import { objectives } from "../lib/objectives.ts";
import { oneShotJob, timeoutsAfter } from "../lib/one-shot-job.ts";
import { entranceAddresses } from "../lib/peering.ts";
import type { Resources } from "../lib/pod.ts";
import { container, podTemplate, scratch } from "../lib/pod.ts";
import { ports } from "../lib/ports.ts";
import type { EnvironmentArgs } from "./environment.ts";
import { podFields, scriptEnvironment } from "./environment.ts";
import { memberHosts, scopeOf } from "./generation.ts";
import { places } from "./places.ts";
import { reportsMount, reportsVolume, settingsMount, settingsVolume } from "./report-volumes.ts";

export interface BackupsArgs extends Omit<EnvironmentArgs, "namespace"> {
  readonly scope: Scope;
  readonly archiveAccess: ArchiveAccess;
  /** The database's image, pinned by digest. */
  readonly image: string;
  /** Members in this region. */
  readonly replicas: number;
  /** Class of the volume that a restore proof restores to. */
  readonly storageClass: string;
  /** Start times: five-field cron, UTC. */
  readonly schedules: {
    readonly full: string;
    readonly differential: string;
    readonly incremental?: string;
  };
  readonly restoreProof: string;
  /** Longest that a backup or a restore proof may take, with all its attempts. */
  readonly deadlineSeconds: number;
  /** Every moment of so many days past can be restored. */
  readonly restoreWindowDays: number;
  /** How many months back the newest full backup of a month is kept. */
  readonly monthlyBackups: number;
  readonly resources: Resources;
}

/** Arguments of backup.sh. */
const kinds = { full: "full", differential: "diff", incremental: "incr" } as const;

const retries = 3;
/** Finished runs that can be looked at: a week of daily ones. */
const history = 7;
/** A pod that has ended still holds its volume, for which the quota has room once; the report outlives it in the archive. */
const proofVisibleSeconds = 600;

/**
 * Backs the data up into this region's archive, and proves every week that it comes back. Defines a CronJob per kind of
 * backup, one for the restore proof, and a Job that takes a generation's first full backup as soon as it serves. None of
 * them has rights in the cluster: they reach the members over TLS.
 */
export class Backups extends pulumi.ComponentResource {
  constructor(name: string, args: BackupsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:postgres:Backups", name, args, opts);
    const { scope, schedules, deadlineSeconds, generation } = args;
    const parent = { parent: this };
    const meta = (workload: "backup" | "restore-proof", object: string) =>
      metadata(scope, workload, object);

    for (const [kind, argument] of Object.entries(kinds)) {
      const schedule = schedules[kind as keyof typeof kinds];
      if (schedule === undefined) continue;
      new CronJob(
        `${name}-${kind}`,
        {
          metadata: meta("backup", `postgres-backup-${kind}`),
          spec: recurring(schedule, deadlineSeconds, backupPod(args, argument)),
        },
        parent,
      );
    }
    new CronJob(
      `${name}-restore-proof`,
      {
        metadata: meta("restore-proof", "postgres-restore-proof"),
        spec: recurring(args.restoreProof, deadlineSeconds, proofPod(args), proofVisibleSeconds),
      },
      parent,
    );
    new Job(
      `${name}-first-${String(generation.number)}`,
      oneShotJob(scope, {
        workload: "backup",
        name: `${scopeOf(generation.number)}-first-backup`,
        deadlineSeconds,
        retries,
        // Taken once in the life of a generation: a Job of other content finds it and has nothing to do.
        template: backupPod(args, "first"),
      }),
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

function recurring(
  schedule: string,
  deadlineSeconds: number,
  template: core.v1.PodTemplateSpec,
  ttlSecondsAfterFinished?: number,
): batch.v1.CronJobSpec {
  return {
    schedule,
    timeZone: "Etc/UTC",
    suspend: false,
    // Two at once would double the load, and the second one would only wait.
    concurrencyPolicy: "Forbid",
    // A controller that was away for less starts what it missed; for longer, the next one is near enough.
    startingDeadlineSeconds: 1800,
    successfulJobsHistoryLimit: history,
    failedJobsHistoryLimit: history,
    jobTemplate: {
      spec: {
        ...{ activeDeadlineSeconds: deadlineSeconds, backoffLimit: retries, template },
        ...(ttlSecondsAfterFinished !== undefined && { ttlSecondsAfterFinished }),
      },
    },
  };
}

/** What pods of a backup carry, and others of the workload do not. */
const takesBackup = { "lifeline/takes": "backup" };

/**
 * A backup begins when every other one of its region has ended, whatever started it: while one expires what is old, it
 * takes the folder of another one that is under way for a remnant. pgBackRest's locks know only their own machine. Every
 * node has the same value of the label: a region is one cluster.
 */
const oneInRegion: core.v1.Affinity = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: "kubernetes.io/os", labelSelector: { matchLabels: takesBackup } },
    ],
  },
};

function backupPod(args: BackupsArgs, kind: string): core.v1.PodTemplateSpec {
  const { scope, image, region, replicas, generation, peer, peering, resources } = args;
  const members = memberHosts(generation.number, region, replicas, scope.namespace);
  const { backup } = entranceAddresses(peer.entrance, peering);
  return podTemplate(scope, "backup", {
    containers: [
      container({
        name: "backup",
        image,
        command: [`${places.scripts}/backup.sh`, kind],
        fields: podFields,
        environment: {
          ...scriptEnvironment({ ...args, namespace: scope.namespace }),
          MEMBERS: members.join(" "),
          BACKUP_PORT: String(ports.pgbackrest),
          PEER_BACKUP: `${backup.host}:${String(backup.port)}`,
          RESTORE_WINDOW_DAYS: String(args.restoreWindowDays),
          MONTHLY_BACKUPS: String(args.monthlyBackups),
          DEADLINE_SECONDS: String(args.deadlineSeconds),
        },
        resources,
        secretFiles: [archiveOwn],
        mounts: [settingsMount, { name: databaseTls, mountPath: places.tls, readOnly: true }],
      }),
    ],
    secretFiles: [archiveOwn],
    volumes: [
      settingsVolume(generation.number),
      { name: databaseTls, secret: { secretName: databaseTls, defaultMode: 0o440 } },
    ],
    placement: { restartPolicy: "Never", affinity: oneInRegion },
    labels: takesBackup,
  });
}

/** Restores into a volume of its own, which goes with the pod. */
function proofPod(args: BackupsArgs): core.v1.PodTemplateSpec {
  const { scope, image, generation, archiveAccess, resources } = args;
  return podTemplate(scope, "restore-proof", {
    containers: [
      container({
        name: "restore-proof",
        image,
        command: [`${places.scripts}/restore-proof.py`],
        fields: podFields,
        environment: {
          ...scriptEnvironment({ ...args, namespace: scope.namespace }),
          ...databaseEnvironment(args),
          // Keys that can only read.
          PGBACKREST_CONFIG_INCLUDE_PATH: archiveProof.folder,
          REPORTS_FOLDER: archiveReports.folder,
          MAX_RPO_SECONDS: String(objectives.restoreProof.lossSeconds),
        },
        resources,
        secretFiles: [...databaseFiles, archiveProof],
        mounts: [
          settingsMount,
          { name: "data", mountPath: places.volume },
          { name: "sockets", mountPath: places.sockets },
          { name: "shared-memory", mountPath: "/dev/shm" },
          ...(archiveAccess === "keys" ? [reportsMount] : []),
        ],
      }),
    ],
    secretFiles: [...databaseFiles, archiveProof],
    volumes: [
      settingsVolume(generation.number),
      scratch("sockets", "1Mi"),
      { name: "shared-memory", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } },
      temporaryVolume(args),
      ...(archiveAccess === "keys" ? [reportsVolume] : []),
    ],
    // Another attempt takes the same volume.
    placement: { restartPolicy: "OnFailure" },
  });
}

function temporaryVolume({ generation, storageClass }: BackupsArgs): core.v1.Volume {
  return {
    name: "data",
    ephemeral: {
      volumeClaimTemplate: {
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: storageClass,
          resources: { requests: { storage: generation.storage } },
        },
      },
    },
  };
}
