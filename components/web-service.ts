import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2/horizontalPodAutoscaler.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import type { core as inputs } from "@pulumi/kubernetes/types/input.js";
import * as pulumi from "@pulumi/pulumi";

import { heard, timeoutsOf } from "./lib/gate.ts";
import type { Scope } from "./lib/labels.ts";
import { metadata, selector } from "./lib/labels.ts";
import type { Resources, SecretFile } from "./lib/pod.ts";
import { container, podTemplate } from "./lib/pod.ts";
import { ports } from "./lib/ports.ts";
import { rollout } from "./lib/rollout.ts";

export interface WebServiceArgs {
  readonly scope: Scope;
  readonly workload: "backend" | "frontend";
  /** Pinned by digest. */
  readonly image: string;
  /** Shown by the service as its own version. */
  readonly releaseVersion: string;
  /** What the platform tells the service, beyond its ports and version. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The release's configuration, as environment variables. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretFiles?: readonly SecretFile[];
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Average CPU use, in percent of the request, above which replicas are added. */
  readonly targetCpuPercent: number;
  /** Longest that a release may take until all its pods are ready. */
  readonly deadlineSeconds: number;
  readonly resources: Resources;
}

/**
 * Keeps a stateless HTTP service up through deployments, drains and load.
 * Defines a HorizontalPodAutoscaler, a Deployment, a Service and a PodDisruptionBudget.
 */
export class WebService extends pulumi.ComponentResource {
  constructor(name: string, args: WebServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:release:WebService", name, args, opts);
    const { scope, workload, minReplicas, maxReplicas, deadlineSeconds } = args;
    const parent = { parent: this };
    const meta = metadata(scope, workload, workload);
    const matchLabels = selector(workload);

    const autoscaler = new HorizontalPodAutoscaler(
      `${name}-autoscaler`,
      {
        metadata: meta,
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: workload },
          minReplicas,
          maxReplicas,
          metrics: [
            {
              type: "Resource",
              resource: {
                name: "cpu",
                target: { type: "Utilization", averageUtilization: args.targetCpuPercent },
              },
            },
          ],
          // A dip of a few minutes must not cost the replicas that the next peak needs.
          behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
        },
      },
      parent,
    );
    const deployment = new Deployment(
      name,
      {
        metadata: meta,
        spec: {
          // No `replicas`: the autoscaler owns the number; a value here would undo its work at every run (ADR 006).
          selector: { matchLabels },
          strategy: {
            type: "RollingUpdate",
            rollingUpdate: { maxUnavailable: rollout.maxUnavailable, maxSurge: rollout.maxSurge },
          },
          minReadySeconds: rollout.minReadySeconds,
          progressDeadlineSeconds: deadlineSeconds,
          revisionHistoryLimit: 3,
          template: webPod(args),
        },
      },
      // The autoscaler first: it raises the new Deployment from one pod to the minimum at once.
      {
        parent: this,
        dependsOn: [autoscaler],
        customTimeouts: timeoutsOf(deadlineSeconds),
        ...heard(opts),
      },
    );
    new Service(
      `${name}-service`,
      {
        metadata: meta,
        spec: {
          selector: matchLabels,
          ports: [
            { name: "http", port: ports[workload], targetPort: "http", appProtocol: "http" },
            { name: "metrics", port: ports.metrics, targetPort: "metrics" },
          ],
        },
      },
      { parent: this, dependsOn: [deployment] },
    );
    new PodDisruptionBudget(
      `${name}-budget`,
      {
        metadata: meta,
        spec: {
          maxUnavailable: 1,
          // A pod that never became ready must not block the drain of its node.
          unhealthyPodEvictionPolicy: "AlwaysAllow",
          selector: { matchLabels },
        },
      },
      parent,
    );
    this.registerOutputs({});
  }
}

/** Seconds in which endpoints and gateways learn that a stopping pod gets no new connections. */
const drainSeconds = 5;

function webPod(args: WebServiceArgs): inputs.v1.PodTemplateSpec {
  const { scope, workload, releaseVersion, secretFiles = [] } = args;
  const web = container({
    name: workload,
    image: args.image,
    environment: {
      // In the pod itself: during a rollout, and after a rollback, each keeps the configuration of its own release.
      ...args.config,
      PORT: String(ports[workload]),
      METRICS_PORT: String(ports.metrics),
      RELEASE_VERSION: releaseVersion,
      ...args.environment,
    },
    ports: { http: ports[workload], metrics: ports.metrics },
    resources: args.resources,
    secretFiles,
    probes: webProbes(),
    lifecycle: { preStop: { sleep: { seconds: drainSeconds } } },
  });
  return podTemplate(scope, workload, {
    containers: [web],
    secretFiles,
    placement: {
      ...spread(workload),
      terminationGracePeriodSeconds: rollout.terminationGraceSeconds,
    },
  });
}

function webProbes() {
  const alive = { httpGet: { path: "/healthz", port: "http" }, timeoutSeconds: 2 };
  return {
    startupProbe: { ...alive, periodSeconds: 1, failureThreshold: 60 },
    // Ready means able to serve: takes the pod out of the Service while the database is away, but never restarts it.
    readinessProbe: {
      httpGet: { path: "/readyz", port: "http" },
      periodSeconds: 2,
      timeoutSeconds: 2,
      failureThreshold: 2,
    },
    livenessProbe: { ...alive, periodSeconds: 10, failureThreshold: 3 },
  };
}

/** Over zones and nodes as far as there are any; a cluster that lost a zone still takes all replicas. */
function spread(workload: WebServiceArgs["workload"]) {
  const over = (topologyKey: string) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selector(workload) },
    // Each release by itself: counted among the pods that a rollout is about to remove, the new ones would end up together.
    matchLabelKeys: ["pod-template-hash"],
  });
  return {
    topologySpreadConstraints: [
      over("topology.kubernetes.io/zone"),
      over("kubernetes.io/hostname"),
    ],
  };
}
