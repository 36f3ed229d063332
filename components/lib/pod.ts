import type { core } from "@pulumi/kubernetes/types/input.js";

import type { Scope, Workload } from "./labels.ts";
import { labels } from "./labels.ts";

/** The user and group of every container; no image runs as root. */
export const podUser = 10001;

interface Compute {
  readonly cpu: string;
  readonly memory: string;
}

/** What a container is promised and what it may never exceed. */
export interface Resources {
  readonly requests: Compute;
  readonly limits: Compute;
}

/** A key of a Secret that a container reads as a file. */
export interface SecretFile {
  readonly secret: string;
  readonly folder: string;
  readonly key: string;
}

export interface ContainerArgs {
  readonly name: string;
  /** Pinned by digest. */
  readonly image: string;
  /** The image's own command without it. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Environment from the pod's own fields, such as `metadata.name`; `$(NAME)` in the environment stands for them. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Ports by name. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly resources: Resources;
  readonly secretFiles?: readonly SecretFile[];
  /** Mount paths by volume name; read-only unless the volume is writable scratch. */
  readonly mounts?: readonly core.v1.VolumeMount[];
  readonly probes?: Pick<core.v1.Container, "startupProbe" | "readinessProbe" | "livenessProbe">;
  readonly lifecycle?: core.v1.Lifecycle;
}

/** A container that Pod Security Standards "restricted" admit, with a read-only root and /tmp to write in. */
export function container(args: ContainerArgs): core.v1.Container {
  const { name, image, command, environment, fields, ports, resources, probes, lifecycle } = args;
  return {
    name,
    image,
    ...(command && { command: [...command] }),
    ...((environment ?? fields) && {
      env: [
        ...Object.entries(fields ?? {}).map(([key, fieldPath]) => ({
          name: key,
          valueFrom: { fieldRef: { fieldPath } },
        })),
        ...Object.entries(environment ?? {}).map(([key, value]) => ({ name: key, value })),
      ],
    }),
    ...(ports && {
      ports: Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort })),
    }),
    resources: withDisk(resources),
    volumeMounts: [
      { name: "tmp", mountPath: "/tmp" },
      ...(args.secretFiles ?? []).map(({ secret, folder }) => ({
        name: secret,
        mountPath: folder,
        readOnly: true,
      })),
      ...(args.mounts ?? []),
    ],
    ...probes,
    ...(lifecycle && { lifecycle }),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
    },
  };
}

/** Logs and scratch volumes count against this; data lives on its own volume. */
function withDisk({ requests, limits }: Resources): core.v1.ResourceRequirements {
  return {
    requests: { ...requests, "ephemeral-storage": "64Mi" },
    limits: { ...limits, "ephemeral-storage": "1Gi" },
  };
}

export interface PodArgs {
  readonly containers: readonly core.v1.Container[];
  readonly initContainers?: readonly core.v1.Container[];
  readonly secretFiles?: readonly SecretFile[];
  readonly volumes?: readonly core.v1.Volume[];
  /** What the scheduler and the kubelet need to know beyond the containers. */
  readonly placement?: Pick<
    core.v1.PodSpec,
    "affinity" | "topologySpreadConstraints" | "restartPolicy" | "terminationGracePeriodSeconds"
  >;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Beside those that every pod of the workload has. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A pod that Pod Security Standards "restricted" admit; its service account carries the workload's name and no token. */
export function podTemplate(
  scope: Scope,
  workload: Workload,
  args: PodArgs,
): core.v1.PodTemplateSpec {
  return {
    metadata: {
      labels: { ...labels(scope, workload), ...args.labels },
      ...(args.annotations && { annotations: args.annotations }),
    },
    spec: {
      serviceAccountName: workload,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: podUser,
        runAsGroup: podUser,
        fsGroup: podUser,
        // A large data volume is not chowned file by file at every start.
        fsGroupChangePolicy: "OnRootMismatch",
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...args.placement,
      ...(args.initContainers && { initContainers: [...args.initContainers] }),
      containers: [...args.containers],
      volumes: [
        scratch("tmp", "64Mi"),
        ...(args.secretFiles ?? []).map(({ secret, key }) => ({
          name: secret,
          secret: { secretName: secret, defaultMode: 0o440, items: [{ key, path: key }] },
        })),
        ...(args.volumes ?? []),
      ],
    },
  };
}

/** A volume that lives as long as the pod. */
export function scratch(name: string, sizeLimit: string): core.v1.Volume {
  return { name, emptyDir: { sizeLimit } };
}
