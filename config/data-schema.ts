import { z } from "zod";

import { certificatePem, latest, restorePoint, restoreTime } from "./data-values.ts";
import { between, flag, list, section, whole } from "./expectation.ts";
import { resources } from "./resources.ts";
import {
  annotations,
  awsRegion,
  bucketPrefix,
  cron,
  databaseName,
  image,
  roleArn,
  storage,
} from "./values.ts";

/** A life of the data, which begins empty or with a restore. */
export const generation = section({
  /** Size of each member's volume. */
  storage,
  /** What it begins with; exactly one of time, point and latest says up to where. */
  from: section({
    /** Whose archive. @default the active region's own */
    region: awsRegion.exactOptional(),
    /** @default the one before */
    generation: between(
      "the number of a generation before this one, counted",
      1,
      99,
    ).exactOptional(),
    time: restoreTime.exactOptional(),
    point: restorePoint.exactOptional(),
    latest: latest.exactOptional(),
  }).exactOptional(),
});

export const postgres = section({
  image,
  database: databaseName,
  user: databaseName,
  /** Members in each region. */
  replicas: whole("members", 2, 5),
  /** The last one serves; those before keep their volumes. */
  generations: list(generation, 1, 99),
  resources,
  exporterResources: resources,
  /** Of the backup server and of the agent, each. */
  sidecarResources: resources,
  /** Lets a region that was cold start to write while it cannot ask the other one. */
  promoteAlone: flag.exactOptional(),
});

const nodePort = between("a port of the nodes", 30_000, 32_767);

/** How the regions' databases reach each other. */
export const peering = z.discriminatedUnion("kind", [
  section({
    kind: z.literal("nodePort"),
    ports: section({ postgres: nodePort, api: nodePort, backup: nodePort }),
  }),
  section({
    kind: z.literal("loadBalancer"),
    /** For the controller that makes the load balancers. */
    annotations,
  }),
]);

export const backups = section({
  /** Buckets are named `<prefix>-<region>`. */
  bucketPrefix,
  access: z.discriminatedUnion("kind", [
    section({
      kind: z.literal("webIdentity"),
      /** Roles by region: the archive's writes its region's bucket and reads the other, the proof's reads its own. */
      roleArns: z.record(awsRegion, section({ archive: roleArn, proof: roleArn })),
    }),
    /** The keys are in the secret `archiveCredentials`. */
    section({ kind: z.literal("keys") }),
  ]),
  /** Who signed the certificates of S3 that is not AWS's own. */
  storageCa: certificatePem.exactOptional(),
  /** Five-field cron, UTC. */
  schedules: section({ full: cron, differential: cron, incremental: cron.exactOptional() }),
  restoreProof: cron,
  /** Longest that a backup or a restore proof may take. */
  deadlineSeconds: whole("seconds", 300, 86_400),
  /** Every moment of so many days past can be restored; what was overwritten is kept as long. */
  restoreWindowDays: whole("days", 1, 365),
  /** How many months back the first full backup of a month is kept. */
  monthlyBackups: whole("months", 0, 120),
  resources,
});
