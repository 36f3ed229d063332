import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { type Ground, prepareGround } from "../../rehearsal/ground.ts";
import { firstProcess, processesIn } from "../../rehearsal/regions/cgroups.ts";
import { until } from "../../rehearsal/regions/readiness.ts";
import {
  cutLink,
  healLink,
  inRegion,
  leftovers,
  regionsStatus,
  s3Access,
  stopRegions,
} from "../../rehearsal/regions/regions.ts";
import { s3Request } from "../../rehearsal/regions/s3-client.ts";
import { type RegionKey, regions, topology, wan } from "../../rehearsal/regions/topology.ts";
import { forever, shellPod as restrictedPod, tryOnce } from "./support/shell-pod.ts";

/** The first boot on a machine may have to build every tool and image. */
jest.setTimeout(20 * 60_000);

const keys: readonly RegionKey[] = ["a", "b"];
const namespace = "regions-test";

let ground: Ground;
let ranBefore: boolean;
const boot = () => prepareGround(new AbortController().signal);

function kubectl(
  key: RegionKey,
  args: readonly string[],
  input?: object,
): SpawnSyncReturns<string> {
  return spawnSync(
    ground.kubectl,
    [
      `--kubeconfig=${ground.kubeconfig}`,
      `--context=${topology[key].kubeContext}`,
      "--request-timeout=30s",
      ...args,
    ],
    { encoding: "utf8", ...(input === undefined ? {} : { input: JSON.stringify(input) }) },
  );
}

function must(key: RegionKey, args: readonly string[], input?: object): string {
  const { status, stdout, stderr } = kubectl(key, args, input);
  if (status !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

const apply = (key: RegionKey, ...items: readonly object[]): string =>
  must(key, ["apply", "-f", "-"], { apiVersion: "v1", kind: "List", items });

const shellPod = (name: string, script: string, overrides: object = {}) =>
  restrictedPod({ name, namespace, image: postgresImage(), script, overrides });
const postgresImage = (): string =>
  ground.images.find(({ name }) => name === "postgres")!.reference;

const reach = (key: RegionKey, pod: string, host: string, port: number): string =>
  must(key, ["exec", "-n", namespace, pod, "--", "bash", "-c", tryOnce(host, port)]).trim();

/** Waits for what follows a change a moment later. */
const becomes = (what: string, seconds: number, holds: () => boolean): Promise<void> =>
  until(what, seconds, () => Promise.resolve(holds()));

const patience = ["--timeout=60s", "--request-timeout=60s"];
const waitFor = (key: RegionKey, pod: string, condition: string): string =>
  must(key, ["wait", "-n", namespace, `pod/${pod}`, `--for=${condition}`, ...patience]);

beforeAll(async () => {
  ranBefore = (await regionsStatus()).a.running;
  ground = await boot();
  for (const key of keys) {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    apply(key, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } });
    apply(key, shellPod("client", forever));
    waitFor(key, "client", "condition=Ready");
  }
});

afterAll(async () => {
  if (ranBefore) {
    for (const key of keys) must(key, ["delete", "namespace", namespace, "--wait=false"]);
  } else {
    await stopRegions({ keepState: false });
  }
});

describe("a booted pair of regions", () => {
  it("is not booted again by a second boot", async () => {
    const firstProcesses = () => regions.map(({ cgroup }) => firstProcess(processesIn(cgroup)));
    const before = firstProcesses();
    await boot();
    expect(firstProcesses()).toEqual(before);
    expect(before).not.toContain(undefined);
  });

  it.each(keys)("gives region %s a Kubernetes that tells where it is", (key) => {
    const version = JSON.parse(must(key, ["get", "--raw=/version"])) as { gitVersion: string };
    expect(version.gitVersion).toBe("v1.34.4");
    expect(
      must(key, [
        "get",
        "nodes",
        "-o",
        "jsonpath={.items[*].metadata.labels['topology\\.kubernetes\\.io/region']}",
      ]),
    ).toBe(topology[key].awsRegion);
  });

  it.each(keys)("lets pods of region %s resolve and reach both S3 servers", (key) => {
    for (const { s3 } of regions) expect(reach(key, "client", s3.host, s3.port)).toBe("open");
  });

  it("stores objects in each region's own S3", async () => {
    const path = "/regions-test/object";
    for (const key of keys)
      await s3Request(s3Access(key), { method: "PUT", path: "/regions-test" });
    expect((await s3Request(s3Access("a"), { method: "PUT", path, body: "of a" })).status).toBe(
      200,
    );
    expect(await s3Request(s3Access("a"), { method: "GET", path })).toEqual({
      status: 200,
      body: "of a",
    });
    expect((await s3Request(s3Access("b"), { method: "GET", path })).status).toBe(404);
  });

  it("refuses an S3 request with a wrong key", async () => {
    const forged = { ...s3Access("a"), secretKey: "wrong" };
    expect((await s3Request(forged, { method: "GET", path: "/" })).status).toBe(403);
  });

  it("refuses a pod that breaks the restricted profile", () => {
    const { status, stderr } = kubectl(
      "a",
      ["apply", "-f", "-"],
      shellPod("root", "true", { securityContext: {} }),
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain('violates PodSecurity "restricted');
  });

  it("makes a volume that its pod's group can write, and removes it with its claim", async () => {
    apply("a", {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data", namespace },
      spec: {
        storageClassName: "standard",
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
      },
    });
    const pod = shellPod("writer", "echo kept > /data/file && stat -c %g /data/file", {
      volumeMounts: [{ name: "data", mountPath: "/data" }],
    }) as { spec: object };
    Object.assign(pod.spec, {
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
    });
    apply("a", pod);
    waitFor("a", "writer", "jsonpath={.status.phase}=Succeeded");
    expect(must("a", ["logs", "-n", namespace, "writer"]).trim()).toBe("10001");

    const volume = must("a", [
      "get",
      "pvc",
      "data",
      "-n",
      namespace,
      "-o",
      "jsonpath={.spec.volumeName}",
    ]);
    must("a", ["delete", "-n", namespace, "pod/writer", "pvc/data", "--request-timeout=60s"]);
    const folder = `/run/region/state/volumes/${volume}`;
    for (
      let left = 50;
      left > 0 && (await inRegion("a", ["test", "-d", folder])).code === 0;
      left -= 1
    )
      await sleep(200);
    expect((await inRegion("a", ["test", "-d", folder])).code).toBe(1);
  });
});

describe("network policy", () => {
  const policy = (name: string, spec: object) => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace },
    spec,
  });
  const { ip, s3 } = topology.b;
  const once = (pod: string): string => {
    apply("a", shellPod(pod, tryOnce(ip, s3.port)));
    waitFor("a", pod, "jsonpath={.status.phase}=Succeeded");
    return must("a", ["logs", "-n", namespace, pod]).trim();
  };

  afterAll(() => must("a", ["delete", "networkpolicy", "--all", "-n", namespace]));

  it("opens what no policy closes", () => {
    expect(reach("a", "client", ip, s3.port)).toBe("open");
  });

  it("closes a running pod's way out, and opens only what is named", async () => {
    apply("a", policy("default-deny", { podSelector: {}, policyTypes: ["Ingress", "Egress"] }));
    await becomes("the denial", 10, () => reach("a", "client", ip, s3.port) === "shut");
    const to = [{ ipBlock: { cidr: `${ip}/32` } }];
    apply(
      "a",
      policy("named", {
        podSelector: {
          matchExpressions: [{ key: "app", operator: "In", values: ["client", "allowed"] }],
        },
        policyTypes: ["Egress"],
        egress: [{ to, ports: [{ protocol: "TCP", port: s3.port }] }],
      }),
    );
    await becomes("the named way", 10, () => reach("a", "client", ip, s3.port) === "open");
    expect(reach("a", "client", topology.a.ip, s3.port)).toBe("shut");
  });

  it("holds from a new pod's first packet, both ways", () => {
    expect(once("stranger")).toBe("shut");
    expect(once("allowed")).toBe("open");
  });
});

describe("a region's loss", () => {
  const apiServer = (key: RegionKey): boolean =>
    kubectl(key, ["get", "--raw=/readyz", "--request-timeout=2s"]).status === 0;

  afterAll(() => healLink("b"));

  it("makes the region unreachable from outside while it lives on inside", async () => {
    await cutLink("b");
    expect((await regionsStatus()).b).toEqual({ running: true, linkUp: false });
    expect(apiServer("b")).toBe(false);
    expect(apiServer("a")).toBe(true);
    expect(reach("a", "client", topology.b.ip, topology.b.s3.port)).toBe("shut");
    const resolve = [
      "/run/tools/region-agent",
      "resolve",
      "--server",
      topology.b.dnsIp,
      topology.b.s3.host,
    ];
    expect((await inRegion("b", resolve)).stdout.trim()).toBe(topology.b.ip);
  });

  it("ends when the link is healed", async () => {
    await healLink("b");
    await becomes("the API server", 30, () => apiServer("b"));
    const { ip, s3 } = topology.b;
    await becomes("the S3 server", 30, () => reach("a", "client", ip, s3.port) === "open");
  });
});

describe("a region that was killed alone", () => {
  it("comes back, while the other goes on", async () => {
    const [a, b] = regions.map(({ cgroup }) => firstProcess(processesIn(cgroup)));
    process.kill(b!, "SIGKILL");
    await boot();
    expect(firstProcess(processesIn(topology.a.cgroup))).toBe(a);
    expect(firstProcess(processesIn(topology.b.cgroup))).not.toBe(b);
    expect(reach("a", "client", topology.b.ip, topology.b.s3.port)).toBe("open");
  });
});

describe("regions whose every process was killed", () => {
  it("come back with what they had stored", async () => {
    must("a", ["create", "configmap", "kept", "-n", namespace, "--from-literal=key=value"]);
    const everything = [wan.cgroup, ...regions.map(({ cgroup }) => cgroup)].flatMap((name) =>
      processesIn(name),
    );
    // Some are gone by the time their turn comes: killing a first process kills its region.
    spawnSync("kill", ["-KILL", ...everything.map(String)]);
    await boot();
    expect(
      must("a", ["get", "configmap", "kept", "-n", namespace, "-o", "jsonpath={.data.key}"]),
    ).toBe("value");
    expect(
      (await s3Request(s3Access("a"), { method: "GET", path: "/regions-test/object" })).body,
    ).toBe("of a");
    must("a", ["delete", "configmap", "kept", "-n", namespace]);
  });
});

describe("stopped regions", () => {
  it("leave nothing on this machine, and start again", async () => {
    await stopRegions({ keepState: true });
    expect(await leftovers()).toEqual([]);
    if (ranBefore) await boot();
  });
});
