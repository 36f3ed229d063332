import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { parse } from "yaml";
import { type Ground, prepareGround } from "../../rehearsal/ground.ts";
import { repository } from "../../rehearsal/paths.ts";
import { regionsStatus, stopRegions } from "../../rehearsal/regions/regions.ts";
import { type RegionKey, regions, topology } from "../../rehearsal/regions/topology.ts";
import { forever, shellPod } from "./support/shell-pod.ts";

/** The program's own network policies and Services, in force in the regions, with pods that play the product's. */

jest.setTimeout(20 * 60_000);

const keys: readonly RegionKey[] = ["a", "b"];
const namespace = "network-test";
const labels = (name: string, component: string) => ({
  "app.kubernetes.io/name": name,
  "app.kubernetes.io/component": component,
});
const database = { ...labels("postgres", "database"), "postgres-cluster": "postgres-1" };

/** Players by their pod's name. Those with ports answer a connection with that name. */
const players = {
  leader: { labels: { ...database, "postgres-role": "leader" }, listens: true },
  replica: { labels: { ...database, "postgres-role": "replica" }, listens: true },
  backup: { labels: labels("postgres-backup", "backup"), listens: false },
  backend: { labels: labels("backend", "backend"), listens: false },
} as const;
type Player = keyof typeof players;
const playerNames = Object.keys(players) as Player[];

const ports = { postgres: 5432, patroni: 8008, pgbackrest: 8432 };
/** As entrances; not the rehearsal's own numbers, which may be taken by a product that runs. */
const entrances = { postgres: 31432, api: 31008, backup: 31843 };

let ground: Ground;
let ranBefore: boolean;

function kubectl(key: RegionKey, args: readonly string[], input?: object): string {
  const { status, stdout, stderr } = spawnSync(
    ground.kubectl,
    [`--kubeconfig=${ground.kubeconfig}`, `--context=${topology[key].kubeContext}`, ...args],
    { encoding: "utf8", ...(input !== undefined && { input: JSON.stringify(input) }) },
  );
  if (status !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Objects that the program declares in a region, moved to this test's namespace and entrances. */
function declared(component: string, key: RegionKey, kind: string): object[] {
  const file = `test/program/golden/local/${component}.${topology[key].awsRegion}.yaml`;
  const { resources } = parse(readFileSync(join(repository, file), "utf8")) as {
    resources: { inputs: { kind?: string } }[];
  };
  const found = resources.filter(({ inputs }) => inputs.kind === kind).map(({ inputs }) => inputs);
  const moved = JSON.stringify(found)
    .replaceAll('"gravl-local"', `"${namespace}"`)
    .replaceAll(/\b30(432|008|843)\b/g, "31$1");
  return JSON.parse(moved) as object[];
}

/** Listens on every port of the database and says its own name to whoever comes. */
const listener = `
import os, socketserver
class Say(socketserver.BaseRequestHandler):
    def handle(self): self.request.sendall(os.environ["HOSTNAME"].encode())
import threading
servers = [socketserver.ThreadingTCPServer(("", port), Say) for port in (${Object.values(ports).join(", ")})]
for server in servers: threading.Thread(target=server.serve_forever).start()
`;

function pod(name: Player, image: string): object {
  const { listens, labels: itsLabels } = players[name];
  const script = listens ? `exec python3 -c '${listener}'` : forever;
  const containerPorts = Object.entries(ports).map(([port, containerPort]) => ({
    name: port,
    containerPort,
  }));
  const made = shellPod({ name, namespace, image, script, overrides: { ports: containerPorts } });
  return { ...made, metadata: { ...made.metadata, labels: itsLabels } };
}

beforeAll(async () => {
  ranBefore = (await regionsStatus()).a.running;
  ground = await prepareGround(new AbortController().signal);
  const image = ground.images.find(({ name }) => name === "postgres")!.reference;
  for (const key of keys) {
    const items = [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
      ...declared("network", key, "NetworkPolicy"),
      ...declared("postgres", key, "Service"),
      ...playerNames.map((name) => pod(name, image)),
    ];
    kubectl(key, ["apply", "-f", "-"], { apiVersion: "v1", kind: "List", items });
  }
  for (const key of keys)
    kubectl(key, [
      "wait",
      "-n",
      namespace,
      "pod",
      "--all",
      "--for=condition=Ready",
      "--timeout=90s",
    ]);
  await sleep(1000);
});

afterAll(async () => {
  if (ranBefore)
    for (const key of keys) kubectl(key, ["delete", "namespace", namespace, "--wait=false"]);
  else await stopRegions({ keepState: false });
});

/** Who answers at each target, asked from a pod once: a name, "open" where nothing is said, or "shut". */
function ask(key: RegionKey, from: Player, targets: readonly string[]): string[] {
  const script = `
import socket, sys
for target in sys.argv[1:]:
    host, port = target.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.settimeout(0.5)
            try: print(connection.recv(99).decode() or "open")
            except TimeoutError: print("open")
    except OSError: print("shut")
`;
  const command = ["exec", "-n", namespace, from, "--", "python3", "-c", script, ...targets];
  return kubectl(key, command).trim().split("\n");
}

const other = (key: RegionKey) => topology[key === "a" ? "b" : "a"];
const entrance = (key: RegionKey, name: keyof typeof entrances) =>
  `${other(key).ip}:${String(entrances[name])}`;

describe.each(keys)("the database in region %s", (key) => {
  it("reaches the other region's leader by its entrances, and for the API any member", () => {
    const targets = [entrance(key, "postgres"), entrance(key, "backup"), entrance(key, "api")];
    const [postgres, backup, api] = ask(key, "replica", targets);
    expect([postgres, backup]).toEqual(["leader", "leader"]);
    expect(["leader", "replica"]).toContain(api);
  });

  it("reaches the API server and both regions' S3 by name, which a backend cannot", () => {
    const targets = [
      `${topology[key].apiServiceIp}:443`,
      ...regions.map(({ s3 }) => `${s3.host}:${String(s3.port)}`),
    ];
    expect(ask(key, "leader", targets)).toEqual(["open", "open", "open"]);
    expect(ask(key, "backend", targets)).toEqual(["shut", "shut", "shut"]);
  });

  it("is reached by the other region's backups on one entrance only, and by no backend", () => {
    const targets = [entrance(key, "backup"), entrance(key, "postgres"), entrance(key, "api")];
    expect(ask(key, "backup", targets)).toEqual(["leader", "shut", "shut"]);
    expect(ask(key, "backend", targets)).toEqual(["shut", "shut", "shut"]);
  });

  it("is closed to every address but the other region's", async () => {
    const { ip } = topology[key];
    const reached = Object.values(entrances).map((port) => reachesFromHere(ip, port));
    expect(await Promise.all(reached)).toEqual([false, false, false]);
    // The address itself answers: it is the entrances that are closed.
    expect(await reachesFromHere(ip, topology[key].s3.port)).toBe(true);
  });
});

function reachesFromHere(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1500 });
    const end = (reached: boolean) => () => {
      socket.destroy();
      resolve(reached);
    };
    socket.on("connect", end(true)).on("timeout", end(false)).on("error", end(false));
  });
}
