import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import type { V1PersistentVolumeClaim, V1Pod } from "@kubernetes/client-node";
import { regionsArchive } from "../../rehearsal/archive.ts";
import { type Cluster, connect } from "../../rehearsal/checks/cluster.ts";
import { get } from "../../rehearsal/checks/objects.ts";
import { containerId, killProcesses } from "../../rehearsal/faults/containers.ts";
import { during } from "../../rehearsal/faults/fault.ts";
import { cutPod, killContainer, killRegion } from "../../rehearsal/faults/pods.ts";
import {
  leaveS3Unanswered,
  overloadS3,
  refuseS3,
  resetS3,
  revokeAccounts,
  silenceS3,
} from "../../rehearsal/faults/s3.ts";
import { fillVolume } from "../../rehearsal/faults/volume.ts";
import { cutWayTo } from "../../rehearsal/faults/way.ts";
import { type Ground, prepareGround } from "../../rehearsal/ground.ts";
import { until } from "../../rehearsal/regions/readiness.ts";
import {
  type S3Access,
  inRegion,
  regionsStatus,
  s3Access,
  s3AccountAccess,
  stopRegions,
} from "../../rehearsal/regions/regions.ts";
import { s3Request } from "../../rehearsal/regions/s3-client.ts";
import { topology } from "../../rehearsal/regions/topology.ts";
import { shellPod, tryOnce } from "./support/shell-pod.ts";

/** Each fault breaks what it says, nothing beside it, and is gone when healed. */

jest.setTimeout(20 * 60_000);

const { a, b } = topology;
const namespace = "faults-test";
const bucket = "faults-test";

let ground: Ground;
let cluster: Cluster;
let ranBefore: boolean;
const boot = () => prepareGround(new AbortController().signal);

function kubectl(args: readonly string[], input?: object) {
  return spawnSync(
    ground.kubectl,
    [`--kubeconfig=${ground.kubeconfig}`, `--context=${a.kubeContext}`, "-n", namespace, ...args],
    { encoding: "utf8", ...(input !== undefined && { input: JSON.stringify(input) }) },
  );
}

function must(args: readonly string[], input?: object): string {
  const { status, stdout, stderr } = kubectl(args, input);
  if (status !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

const pod = (name = "victim") => get<V1Pod>(cluster, "pods", name, namespace);
const inPod = (name: string, script: string) => must(["exec", name, "--", "bash", "-c", script]);

/** What a pod of region a gets from an address, tried once. */
const fromPod = (host: string, port: number) => inPod("neighbour", tryOnce(host, port));

beforeAll(async () => {
  ranBefore = (await regionsStatus()).a.running;
  ground = await boot();
  cluster = connect({
    kubeconfig: ground.kubeconfig,
    context: a.kubeContext,
    kubectl: ground.kubectl,
  });
  const image = ground.images.find(({ name }) => name === "postgres")!.reference;
  const script = "sleep 100000 & exec python3 -m http.server --directory /tmp 5432";
  const restarting = (name: string, extra: object) => {
    const made = shellPod({ name, namespace, image, script, overrides: extra });
    return { ...made, spec: { ...made.spec, restartPolicy: "Always" } };
  };
  const victim = restarting("victim", { volumeMounts: [{ name: "data", mountPath: "/data" }] });
  Object.assign(victim.spec, {
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
  });
  must(["apply", "-f", "-"], {
    apiVersion: "v1",
    kind: "List",
    items: [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "data", namespace },
        spec: {
          storageClassName: "standard",
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: "64Mi" } },
        },
      },
      {
        // A pod that may go nowhere else sees the faults of what it may reach.
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: "named-ports", namespace },
        spec: {
          podSelector: {},
          policyTypes: ["Egress"],
          egress: [{ ports: [a.s3.port, b.s3.port, 6443, 5432].map((port) => ({ port })) }],
        },
      },
      victim,
      restarting("neighbour", {}),
    ],
  });
  must(["wait", "pod", "--all", "--for=condition=Ready", "--timeout=90s"]);
  for (const key of ["a", "b"] as const)
    await regionsArchive().buckets.make(bucket, topology[key].awsRegion);
});

afterAll(async () => {
  if (ranBefore) kubectl(["delete", "namespace", namespace, "--wait=false"]);
  else await stopRegions({ keepState: false });
});

describe("a pod that is cut off", () => {
  it("is reached by nobody and reaches nobody, while its neighbour goes on and commands run in it", async () => {
    const { podIP = "" } = (await pod()).status ?? {};
    expect(fromPod(podIP, 5432)).toBe("open");
    const cut = cutPod("a", podIP).then((heal) => ({ heal }));
    await during(cut, async () => {
      expect(fromPod(podIP, 5432)).toBe("shut");
      expect(inPod("victim", tryOnce(a.ip, a.s3.port))).toBe("shut");
      expect(fromPod(a.ip, a.s3.port)).toBe("open");
      const { code } = await inRegion("a", [
        "timeout",
        "2",
        "bash",
        "-c",
        `</dev/tcp/${podIP}/5432`,
      ]);
      expect(code).not.toBe(0);
    });
    expect(fromPod(podIP, 5432)).toBe("open");
    expect(inPod("victim", tryOnce(a.ip, a.s3.port))).toBe("open");
  });
});

describe("a way that is cut", () => {
  it("is closed to one address and port only", async () => {
    await during(cutWayTo(a, b.ip, b.s3.port), async () => {
      expect(fromPod(b.ip, b.s3.port)).toBe("shut");
      expect(fromPod(b.ip, 6443)).toBe("open");
      expect((await s3Request(s3Access("b"), { method: "GET", path: "/" })).status).toBe(200);
    });
    expect(fromPod(b.ip, b.s3.port)).toBe("open");
  });
});

describe("a killed container", () => {
  const restarts = async () => (await pod()).status?.containerStatuses?.[0]?.restartCount ?? 0;

  it("ends by SIGKILL and is restarted", async () => {
    await killContainer("a", await containerId(a, "victim", "shell"));
    await until("the restart", 30, async () => (await restarts()) === 1);
    must(["wait", "pod", "victim", "--for=condition=Ready", "--timeout=60s"]);
    const last = (await pod()).status?.containerStatuses?.[0]?.lastState?.terminated;
    expect(last?.exitCode).toBe(137);
  });

  it("loses only the process that is meant", async () => {
    const id = await containerId(a, "victim", "shell");
    expect(await killProcesses(a, id, /^sleep 100000/)).toBe(1);
    expect(await killProcesses(a, id, /^sleep 100000/)).toBe(0);
    expect(await restarts()).toBe(1);
  });
});

describe("an S3 server", () => {
  const ask = (access: S3Access) =>
    s3Request(access, { method: "PUT", path: `/${bucket}/object`, body: "x".repeat(20_000) })
      .then(({ status }) => String(status))
      .catch(({ code, message }: NodeJS.ErrnoException) => code ?? message);

  it.each([
    ["refuses", refuseS3, "ECONNREFUSED"],
    ["is silent", silenceS3, expect.stringContaining("no answer")],
    ["is overloaded", overloadS3, "503"],
    ["resets connections", resetS3, "ECONNRESET"],
  ] as const)("that %s does so for everybody, the other one does not", async (_, fault, seen) => {
    await during(fault(a), async () => {
      expect(await ask(s3Access("a"))).toEqual(seen);
      expect(await ask(s3Access("b"))).toBe("200");
      if (seen === "503" || seen === "ECONNRESET") expect(fromPod(a.ip, a.s3.port)).toBe("open");
      else expect(fromPod(a.ip, a.s3.port)).toBe("shut");
    });
    expect(await ask(s3Access("a"))).toBe("200");
  });

  it("that never answers has stored what it was sent", async () => {
    const read = async () =>
      (await s3Request(s3Access("a"), { method: "GET", path: `/${bucket}/object` })).body;
    const body = "stored all the same";
    const put = () => s3Request(s3Access("a"), { method: "PUT", path: `/${bucket}/object`, body });
    await during(leaveS3Unanswered(a), async () => {
      await expect(put()).rejects.toThrow("no answer");
      expect(await read()).toBe(body);
    });
    expect((await put()).status).toBe(200);
  });

  it("refuses accounts that were revoked, and no others", async () => {
    const [own, peer] = [s3AccountAccess("a", "own"), s3AccountAccess("b", "peer")];
    const read = async (access: S3Access) =>
      (await s3Request(access, { method: "GET", path: `/${bucket}/object` })).status;
    await during(revokeAccounts(a, ["own"]), async () => {
      expect(await ask(own)).toBe("403");
      expect(await read(peer)).toBe(200);
    });
    await during(revokeAccounts(b, ["peer"]), async () => {
      expect(await read(peer)).toBe(403);
      expect(await ask(own)).toBe("200");
    });
    expect(await read(peer)).toBe(200);
  });
});

describe("a volume", () => {
  it("has the size that was asked for, can be filled, and has room again", async () => {
    const claim = await get<V1PersistentVolumeClaim>(
      cluster,
      "persistentvolumeclaims",
      "data",
      namespace,
    );
    const write = (kilobytes: number) =>
      inPod(
        "victim",
        `dd if=/dev/zero of=/data/file bs=1k count=${String(kilobytes)} 2>/dev/null && echo written || echo full; rm -f /data/file`,
      );
    expect(write(80_000)).toBe("full");
    expect(write(1000)).toBe("written");
    await during(fillVolume(a, claim, 100_000), () => {
      expect(write(1000)).toBe("full");
      expect(write(20)).toBe("written");
      return Promise.resolve();
    });
    expect(write(1000)).toBe("written");
  });
});

describe("a region that is killed", () => {
  it("is gone at once, and comes back with what was on its disks", async () => {
    inPod("victim", "echo kept > /data/kept && sync");
    killRegion("a");
    for (let left = 100; (await regionsStatus()).a.running; left -= 1) {
      if (left === 0) throw new Error("the region lives on");
      await sleep(100);
    }
    expect((await regionsStatus()).b.running).toBe(true);
    ground = await boot();
    // The API still calls the pod ready, from before the kill.
    await until("the pod with what it stored", 90, () =>
      Promise.resolve(inPod("victim", "cat /data/kept") === "kept"),
    );
    expect(
      (await s3Request(s3Access("a"), { method: "GET", path: `/${bucket}/object` })).status,
    ).toBe(200);
  });
});
