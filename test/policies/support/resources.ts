/** A resource as a rule gets to see it. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly protect?: boolean;
}

type Path = readonly (string | number)[];

/** A copy of a resource with one input replaced; `undefined` removes it. */
export function change(resource: Resource, path: Path, value: unknown): Resource {
  const props = structuredClone(resource.props);
  const parents = path.slice(0, -1);
  const last = path.at(-1);
  let parent: Record<string | number, unknown> = props;
  for (const step of parents) parent = parent[step] as Record<string | number, unknown>;
  if (last === undefined || typeof parent !== "object") {
    throw new Error(`${resource.name} has no ${path.join(".")}`);
  }
  if (value !== undefined) parent[last] = value;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else Reflect.deleteProperty(parent, last);
  return { ...resource, props };
}

export const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

function container(name: string): Record<string, unknown> {
  return {
    name,
    image: `example.test/${name}@${digest}`,
    ports: [{ containerPort: 3000 }],
    env: [
      { name: "PORT", value: "3000" },
      { name: "JWT_SECRET_FILE", value: "/etc/secrets/app/JWT_SECRET" },
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ],
    envFrom: [{ configMapRef: { name: "app" } }],
    livenessProbe: { httpGet: { path: "/healthz", port: 3000 } },
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    resources: {
      requests: { cpu: "100m", memory: "128Mi" },
      limits: { cpu: "1", memory: "256Mi" },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
  };
}

export const containerLists = ["containers", "initContainers", "ephemeralContainers"] as const;

function podSpec(): Record<string, unknown> {
  return {
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10001,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container("app"), container("exporter")],
    initContainers: [container("first")],
    ephemeralContainers: [container("debugger")],
    volumes: [
      { name: "tmp", emptyDir: {} },
      { name: "app-secret", secret: { secretName: "app-secret" } },
    ],
  };
}

/** Where each kind that runs pods keeps the pod. */
const podPaths = {
  Pod: ["spec"],
  Deployment: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  ReplicationController: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
} as const;

export type WorkloadKind = keyof typeof podPaths;

export const workloadKinds = Object.keys(podPaths) as WorkloadKind[];

const groups: Record<WorkloadKind, string> = {
  Pod: "core/v1",
  ReplicationController: "core/v1",
  Deployment: "apps/v1",
  StatefulSet: "apps/v1",
  DaemonSet: "apps/v1",
  ReplicaSet: "apps/v1",
  Job: "batch/v1",
  CronJob: "batch/v1",
};

const jobSpec = { activeDeadlineSeconds: 600, backoffLimit: 3 };

const ownFields: Partial<Record<WorkloadKind, Record<string, unknown>>> = {
  StatefulSet: {
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
  },
  Job: jobSpec,
  CronJob: {
    concurrencyPolicy: "Forbid",
    startingDeadlineSeconds: 300,
    timeZone: "Etc/UTC",
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 3,
  },
};

/** A compliant object of a kind that runs pods. */
export function workload(kind: WorkloadKind): Resource {
  const own = ownFields[kind] ?? {};
  const template = { spec: podSpec() };
  const spec = {
    Pod: podSpec(),
    CronJob: { ...own, jobTemplate: { spec: { ...jobSpec, template } } },
  }[kind as string] ?? { ...own, template };
  return {
    type: `kubernetes:${groups[kind]}:${kind}`,
    name: "backend",
    protect: kind === "StatefulSet",
    props: { metadata: { name: "backend", namespace: "shop" }, spec },
  };
}

/** A compliant object of a kind, with one field of its pod replaced. */
export function withPodChange(kind: WorkloadKind, path: Path, value: unknown): Resource {
  return change(workload(kind), [...podPaths[kind], ...path], value);
}

export function namespace(): Resource {
  return {
    type: "kubernetes:core/v1:Namespace",
    name: "shop",
    protect: true,
    props: {
      metadata: { name: "shop", labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    },
  };
}

export function configMap(data: Readonly<Record<string, unknown>>): Resource {
  return { type: "kubernetes:core/v1:ConfigMap", name: "app", props: { data } };
}

export function secret(inputs: Readonly<Record<string, unknown>>): Resource {
  return { type: "kubernetes:core/v1:Secret", name: "app-secret", props: inputs };
}

export function service(): Resource {
  return {
    type: "kubernetes:core/v1:Service",
    name: "backend",
    props: { spec: { selector: { app: "backend" }, ports: [{ port: 3000 }] } },
  };
}

/** Denies all, then lets the backend of the same namespace in on one port. */
export function networkPolicy(): Resource {
  return {
    type: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    name: "backend-to-postgres",
    props: {
      spec: {
        podSelector: {},
        policyTypes: ["Ingress", "Egress"],
        ingress: [
          { from: [{ podSelector: { matchLabels: { app: "backend" } } }], ports: [{ port: 5432 }] },
        ],
        egress: [{ to: [{ ipBlock: { cidr: "10.0.0.0/8" } }], ports: [{ port: 53 }] }],
      },
    },
  };
}

export function role(): Resource {
  return {
    type: "kubernetes:rbac.authorization.k8s.io/v1:Role",
    name: "deployer",
    props: {
      rules: [{ apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "patch"] }],
    },
  };
}

export function roleBinding(): Resource {
  return {
    type: "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    name: "deployer",
    props: {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "deployer" },
      subjects: [{ kind: "ServiceAccount", name: "deployer", namespace: "shop" }],
    },
  };
}

export function bucket(): Resource {
  return {
    type: "aws:s3/bucket:Bucket",
    name: "backups",
    protect: true,
    props: { bucket: "shop-backups" },
  };
}

export function publicAccessBlock(): Resource {
  return {
    type: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    name: "backups",
    protect: true,
    props: {
      bucket: "shop-backups",
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
  };
}
