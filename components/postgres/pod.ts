import type { core } from "@pulumi/kubernetes/types/input.js";

import { databasePassword } from "../lib/database.ts";
import type { Scope } from "../lib/labels.ts";
import type { Resources } from "../lib/pod.ts";
import { container, podTemplate, scratch } from "../lib/pod.ts";
import { ports } from "../lib/ports.ts";
import { configFolder, socketFolder } from "./conf.ts";

/** ConfigMap with the server's configuration files. */
export const configName = "postgres-config";

const volumeFolder = "/var/lib/postgresql/data";
/** Below the mount point: a fresh volume may hold lost+found, and initdb wants an empty folder. */
const dataFolder = `${volumeFolder}/pgdata`;

export interface PostgresPodArgs {
  readonly scope: Scope;
  readonly image: string;
  readonly database: string;
  readonly user: string;
  readonly resources: Resources;
  readonly exporterResources: Resources;
  /** Rolls the pod when a configuration file changes. */
  readonly configHash: string;
}

/** The server, prepared by an init container, and its exporter beside it. */
export function postgresPod(args: PostgresPodArgs): core.v1.PodTemplateSpec {
  const { scope, image, database, user, resources, exporterResources } = args;
  const mounts = [
    { name: "data", mountPath: volumeFolder },
    { name: "sockets", mountPath: socketFolder },
    { name: "config", mountPath: configFolder, readOnly: true },
  ];
  const init = container({
    name: "init",
    image,
    command: ["/opt/lifeline/postgres-init.sh"],
    environment: {
      PGDATA: dataFolder,
      POSTGRES_DB: database,
      POSTGRES_USER: user,
      POSTGRES_PASSWORD_FILE: `${databasePassword.folder}/${databasePassword.key}`,
    },
    resources,
    secretFiles: [databasePassword],
    mounts,
  });
  const server = container({
    name: "postgres",
    image,
    command: [
      ...["postgres", "-D", dataFolder],
      ...["-c", `config_file=${configFolder}/postgresql.conf`],
      ...["-c", `hba_file=${configFolder}/pg_hba.conf`],
    ],
    environment: { PGDATA: dataFolder },
    ports: { postgres: ports.postgres },
    resources,
    mounts: [...mounts, { name: "shared-memory", mountPath: "/dev/shm" }],
    probes: serverProbes(database, user),
  });
  const exporter = container({
    name: "exporter",
    image,
    command: ["prometheus-postgres-exporter", `--web.listen-address=:${String(ports.exporter)}`],
    // No password: the server knows the pod's user by the local socket.
    environment: {
      DATA_SOURCE_NAME: `host=${socketFolder} user=exporter dbname=postgres sslmode=disable`,
    },
    ports: { metrics: ports.exporter },
    resources: exporterResources,
    mounts: [{ name: "sockets", mountPath: socketFolder }],
    // No readiness probe: a broken exporter must not take the database out of its Service.
    probes: {
      livenessProbe: {
        httpGet: { path: "/", port: "metrics" },
        periodSeconds: 30,
        timeoutSeconds: 5,
      },
    },
  });
  return podTemplate(scope, "database", {
    initContainers: [init],
    containers: [server, exporter],
    secretFiles: [databasePassword],
    volumes: [
      scratch("sockets", "1Mi"),
      // The container default of 64 MiB is too little for parallel queries; counts against the memory limit.
      { name: "shared-memory", emptyDir: { medium: "Memory", sizeLimit: "256Mi" } },
      { name: "config", configMap: { name: configName } },
    ],
    // Time for the last checkpoint; a kill before it costs crash recovery at the next start.
    placement: { terminationGracePeriodSeconds: 120 },
    annotations: { "checksum/config": args.configHash },
  });
}

function serverProbes(database: string, user: string) {
  const isReady = {
    exec: { command: ["pg_isready", "-q", "-h", socketFolder, "-d", database, "-U", user] },
    timeoutSeconds: 5,
  };
  return {
    // Crash recovery replays what was written since the last checkpoint: up to 15 minutes, not an endless loop of kills.
    startupProbe: { ...isReady, periodSeconds: 2, failureThreshold: 450 },
    readinessProbe: { ...isReady, periodSeconds: 5, failureThreshold: 3 },
    // Looser than readiness: only a server that does not even accept connections is restarted.
    livenessProbe: {
      tcpSocket: { port: "postgres" },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
  };
}
