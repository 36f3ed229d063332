import { readFileSync } from "node:fs";

import { Command } from "@pulumi/command/local/command.js";
import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import * as pulumi from "@pulumi/pulumi";

import type { Database } from "./lib/database.ts";
import { databaseEnvironment, databaseFiles } from "./lib/database.ts";
import { heard } from "./lib/gate.ts";
import type { Scope } from "./lib/labels.ts";
import { oneShotJob, timeoutsAfter } from "./lib/one-shot-job.ts";
import type { Resources } from "./lib/pod.ts";
import { container, podTemplate } from "./lib/pod.ts";
import { ports } from "./lib/ports.ts";

export interface SmokeGateArgs extends Database {
  readonly scope: Scope;
  /** Image with the smoke script and its tools, pinned by digest. */
  readonly image: string;
  readonly release: {
    readonly version: string;
    readonly schema: { readonly min: number; readonly max: number };
  };
  /** Public DNS name that the certificate has to be valid for. */
  readonly host: string;
  /** Where this region's Gateway is reached, whatever the public name resolves to. */
  readonly address: pulumi.Input<string>;
  /** Changes when anything that the gates judge does: they run again. */
  readonly contentHash: string;
  /** Longest that each gate may take. */
  readonly deadlineSeconds: number;
  readonly resources: Resources;
}

/** What the Job has left, after its checks gave up, to say which of them failed: a Job that is cut off says nothing. */
const reportSeconds = 30;

/** Metrics are for the monitoring alone: where the gate reaches one of them, nobody enforces the network policies. */
const forbidden = ["backend", "frontend"].map((service) => `${service}:${String(ports.metrics)}`);

const versionLabel = "app.kubernetes.io/version";

/**
 * Fails the run unless the release works in this region, seen from inside the cluster and from outside.
 * Defines a Job that asks the database, backend and frontend and tries what network policies forbid it, and a command on
 * the machine of the run that asks the Gateway over HTTPS and verifies its certificate. Where the Job is left as it was
 * because the region is lost, the command is too: it takes what it asks for from the Job that exists.
 */
export class SmokeGate extends pulumi.ComponentResource {
  constructor(name: string, args: SmokeGateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:release:SmokeGate", name, args, opts);
    const { scope, release, deadlineSeconds } = args;
    if (deadlineSeconds <= reportSeconds) {
      throw new Error(
        `smoke: deadlineSeconds must be more than ${String(reportSeconds)}, got ${String(deadlineSeconds)}`,
      );
    }

    const smoke = container({
      name: "smoke",
      image: args.image,
      command: ["/opt/lifeline/smoke.sh"],
      environment: {
        ...databaseEnvironment(args),
        BACKEND_URL: `http://backend:${String(ports.backend)}`,
        FRONTEND_URL: `http://frontend:${String(ports.frontend)}`,
        RELEASE_VERSION: release.version,
        SCHEMA_MIN: String(release.schema.min),
        SCHEMA_MAX: String(release.schema.max),
        FORBIDDEN_ADDRESSES: forbidden.join(" "),
        DEADLINE_SECONDS: String(deadlineSeconds - reportSeconds),
      },
      resources: args.resources,
      secretFiles: databaseFiles,
    });
    const template = podTemplate(scope, "smoke", {
      containers: [smoke],
      secretFiles: databaseFiles,
      placement: { restartPolicy: "Never" },
      annotations: { "checksum/content": args.contentHash },
    });
    const job = oneShotJob(scope, {
      workload: "smoke",
      name: "smoke",
      deadlineSeconds,
      // The script repeats each check itself; a second pod would only tell the same, later.
      retries: 0,
      template,
    });
    const labels = { ...job.metadata.labels, [versionLabel]: release.version };
    const gate = { customTimeouts: timeoutsAfter(deadlineSeconds), ...heard(opts) };
    const inside = new Job(
      `${name}-inside`,
      { ...job, metadata: { ...job.metadata, labels } },
      // The one before goes first: after a run that stopped in between it would go last, and might be this one again.
      { parent: this, deleteBeforeReplace: true, ...gate },
    );
    new Command(
      `${name}-outside`,
      {
        // The script travels as text: no path of this machine gets into the state, and a changed script runs again.
        create: "node --input-type=module -",
        stdin: readFileSync(new URL("../gates/https-check.mjs", import.meta.url), "utf8"),
        environment: {
          GATE_HOST: args.host,
          GATE_ADDRESS: args.address,
          GATE_RELEASE: inside.metadata.labels.apply((it) => it[versionLabel] ?? release.version),
          GATE_DEADLINE_SECONDS: String(deadlineSeconds),
        },
        triggers: [inside.metadata.name, args.address],
        addPreviousOutputInEnv: false,
      },
      { parent: this, dependsOn: [inside], ...gate },
    );
    this.registerOutputs({});
  }
}
