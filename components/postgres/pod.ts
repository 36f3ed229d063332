import type { core } from "@pulumi/kubernetes/types/input.js";

import { archiveOwn, archivePeer } from "../lib/archive.ts";
import { databasePassword, databaseTls } from "../lib/database.ts";
import type { Scope } from "../lib/labels.ts";
import type { ContainerArgs, Resources } from "../lib/pod.ts";
import { container, podTemplate, scratch } from "../lib/pod.ts";
import { ports } from "../lib/ports.ts";
import { clusterLabels, memberHost } from "./generation.ts";
import { podFields } from "./environment.ts";
import { places, settingsFiles } from "./places.ts";

export interface PostgresPodArgs {
  readonly scope: Scope;
  readonly image: string;
  readonly generation: number;
  /** ConfigMap with the settings. */
  readonly settings: string;
  /** Rolls the pods when the settings change. */
  readonly settingsHash: string;
  /** Of every script. */
  readonly environment: Readonly<Record<string, string>>;
  /** Lets a region that was cold start to write while it cannot ask the other one. */
  readonly promoteAlone: boolean;
  readonly resources: Resources;
  readonly exporterResources: Resources;
  readonly sidecarResources: Resources;
}

type Volume = core.v1.Volume;
type Mount = core.v1.VolumeMount;

const mounts = {
  data: { name: "data", mountPath: places.volume },
  sockets: { name: "sockets", mountPath: places.sockets },
  state: { name: "state", mountPath: places.state },
  sharedMemory: { name: "shared-memory", mountPath: "/dev/shm" },
  settings: { name: "settings", mountPath: places.settings, readOnly: true },
  tls: { name: databaseTls, mountPath: places.tls, readOnly: true },
  /** Where every client of the API looks. */
  token: {
    name: "api-token",
    mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
    readOnly: true,
  },
} satisfies Record<string, Mount>;

/** A member: Postgres under Patroni, the backup server, the exporter and the agent. */
export function postgresPod(args: PostgresPodArgs): core.v1.PodTemplateSpec {
  const { scope, generation, settings, settingsHash } = args;
  return podTemplate(scope, "database", {
    labels: clusterLabels(generation),
    annotations: { "checksum/settings": settingsHash },
    containers: [server(args), backupServer(args), exporter(args), agent(args)],
    secretFiles: [databasePassword, archiveOwn, archivePeer],
    volumes: [
      scratch("sockets", "1Mi"),
      // In memory: what a member knows of its own life must not outlive the node.
      { name: "state", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      // The container default of 64 MiB is too little for parallel queries; counts against the memory limit.
      { name: "shared-memory", emptyDir: { medium: "Memory", sizeLimit: "256Mi" } },
      { name: "settings", configMap: { name: settings } },
      { name: databaseTls, secret: { secretName: databaseTls, defaultMode: 0o440 } },
      apiToken,
    ],
    placement: {
      ...spread(generation),
      // Time for the last checkpoint and its archiving; a kill before it costs crash recovery at the next start.
      terminationGracePeriodSeconds: 120,
    },
  });
}

function server(args: PostgresPodArgs) {
  const { scope, image, resources } = args;
  const host = memberHost("$(POD_NAME)", scope.namespace);
  return container({
    name: "postgres",
    image,
    command: [`${places.scripts}/start-member.py`, settingsFiles.patroni],
    fields: {
      ...podFields,
      PATRONI_NAME: "metadata.name",
      PATRONI_KUBERNETES_POD_IP: "status.podIP",
    },
    environment: {
      ...args.environment,
      PATRONI_KUBERNETES_NAMESPACE: scope.namespace,
      // By names, which the certificate carries.
      PATRONI_RESTAPI_CONNECT_ADDRESS: `${host}:${String(ports.patroni)}`,
      PATRONI_POSTGRESQL_CONNECT_ADDRESS: `${host}:${String(ports.postgres)}`,
      ...(args.promoteAlone && { PROMOTE_ALONE: "true" }),
    },
    ports: { postgres: ports.postgres, patroni: ports.patroni },
    resources,
    secretFiles: [databasePassword, archiveOwn, archivePeer],
    mounts: Object.values(mounts),
    probes: {
      readinessProbe: {
        exec: { command: [`${places.scripts}/ready.sh`] },
        periodSeconds: 5,
        timeoutSeconds: 5,
        failureThreshold: 2,
      },
      // Patroni itself, from its first second on: how long a restore or a recovery takes is its decision.
      livenessProbe: {
        httpGet: { scheme: "HTTPS", path: "/liveness", port: "patroni" },
        initialDelaySeconds: 10,
        periodSeconds: 10,
        timeoutSeconds: 5,
        failureThreshold: 6,
      },
    },
  });
}

/** Lets the backup's pod read the data folder, and finds its own archive's secrets like the others. */
function backupServer(args: PostgresPodArgs) {
  return sidecar(args, {
    name: "pgbackrest",
    command: [`${places.scripts}/agent/backup_server.py`],
    ports: { pgbackrest: ports.pgbackrest },
    secretFiles: [archiveOwn],
    mounts: [mounts.data, mounts.sockets, mounts.settings, mounts.tls],
    probes: { livenessProbe: { tcpSocket: { port: "pgbackrest" }, ...unhurried } },
  });
}

function agent(args: PostgresPodArgs) {
  return sidecar(args, {
    name: "agent",
    command: [`${places.scripts}/agent.py`],
    ports: { agent: ports.agent },
    secretFiles: [databasePassword, archiveOwn],
    mounts: [mounts.data, mounts.sockets, mounts.state, mounts.settings, mounts.tls],
    probes: { livenessProbe: { httpGet: { path: "/metrics", port: "agent" }, ...unhurried } },
  });
}

/** No readiness probes beside the server: what is broken there must not take the database out of its Service. */
const unhurried = { periodSeconds: 30, timeoutSeconds: 5 };

function sidecar(
  { image, environment, sidecarResources }: PostgresPodArgs,
  own: Omit<ContainerArgs, "image" | "environment" | "fields" | "resources">,
) {
  return container({ ...own, image, environment, fields: podFields, resources: sidecarResources });
}

function exporter({ image, exporterResources }: PostgresPodArgs) {
  return container({
    name: "exporter",
    image,
    command: ["prometheus-postgres-exporter", `--web.listen-address=:${String(ports.exporter)}`],
    // No password: the server knows the pod's user by the local socket.
    environment: {
      DATA_SOURCE_NAME: `host=${places.sockets} user=exporter dbname=postgres sslmode=disable`,
    },
    ports: { metrics: ports.exporter },
    resources: exporterResources,
    mounts: [mounts.sockets],
    probes: { livenessProbe: { httpGet: { path: "/", port: "metrics" }, ...unhurried } },
  });
}

/** The service account's token, for the one container that talks to the API instead of for the whole pod. */
const apiToken: Volume = {
  name: "api-token",
  projected: {
    defaultMode: 0o440,
    sources: [
      { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }],
        },
      },
    ],
  },
};

/** Over zones and nodes as far as there are any; a cluster that lost a zone still takes all members. */
function spread(generation: number) {
  const over = (topologyKey: string) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: clusterLabels(generation) },
  });
  return {
    topologySpreadConstraints: [
      over("topology.kubernetes.io/zone"),
      over("kubernetes.io/hostname"),
    ],
  };
}
