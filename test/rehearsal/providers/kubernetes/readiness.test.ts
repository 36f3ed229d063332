import type { Cluster } from "../../../../rehearsal/providers/kubernetes/cluster.ts";
import type { KubernetesObject } from "../../../../rehearsal/providers/kubernetes/object.ts";
import { judgeOf } from "../../../../rehearsal/providers/kubernetes/readiness.ts";
import type { PropertyMap } from "../../../../rehearsal/providers/properties.ts";

interface Neighbours {
  readonly slices?: readonly object[];
  readonly volumeBindingMode?: string;
}

function judge(kind: string, fields: object, { slices = [], volumeBindingMode }: Neighbours = {}) {
  const [apiVersion = "", name = ""] = kind.split(" ");
  const object = { apiVersion, kind: name, metadata: { generation: 2 }, ...fields };
  const cluster = {
    list: () => Promise.resolve(slices),
    get: () => Promise.resolve({ volumeBindingMode }),
  } as unknown as Cluster;
  return Promise.resolve(
    judgeOf(object as KubernetesObject)?.(object as KubernetesObject, cluster),
  );
}

const seen = { observedGeneration: 2 };
const three = (status: PropertyMap, spec: PropertyMap = {}) => ({
  spec: { replicas: 3, ...spec },
  status: { ...seen, ...status },
});
const done = { replicas: 3, updatedReplicas: 3, availableReplicas: 3 };
const full = {
  readyReplicas: 3,
  availableReplicas: 3,
  updatedReplicas: 3,
  currentRevision: "b",
  updateRevision: "b",
};
const condition = (type: string, message = "") => ({
  conditions: [{ type, status: "True", message }],
});
const selecting = { selector: { app: "x" } };
const endpoint = (ready: boolean) => ({ endpoints: [{ conditions: { ready } }] });

describe("readiness", () => {
  it.each([
    ["apps/v1 Deployment", three(done)],
    ["apps/v1 Deployment", { spec: {}, status: { ...seen, ...done } }],
    ["apps/v1 StatefulSet", three(full)],
    [
      "apps/v1 StatefulSet",
      three({ ...full, updatedReplicas: 0 }, { updateStrategy: { type: "OnDelete" } }),
    ],
    [
      "apps/v1 StatefulSet",
      three(
        { ...full, updatedReplicas: 1, currentRevision: "a" },
        { updateStrategy: { rollingUpdate: { partition: 2 } } },
      ),
    ],
    [
      "apps/v1 DaemonSet",
      {
        status: {
          ...seen,
          desiredNumberScheduled: 2,
          updatedNumberScheduled: 2,
          numberAvailable: 2,
        },
      },
    ],
    ["batch/v1 Job", { status: condition("Complete") }],
    ["v1 Pod", { status: condition("Ready") }],
    ["v1 Pod", { status: { phase: "Succeeded" } }],
    ["v1 Service", { spec: { clusterIP: "None", ...selecting } }],
    ["v1 Service", { spec: {} }],
    ["v1 Service", { spec: { type: "ExternalName", ...selecting } }],
    ["v1 PersistentVolumeClaim", { status: { phase: "Bound" } }],
    ["v1 PersistentVolume", { status: { phase: "Available" } }],
    ["v1 ResourceQuota", { spec: { hard: { pods: "1" } }, status: { hard: { pods: "1" } } }],
    ["v1 Secret", { type: "Opaque" }],
  ])("lets a %s pass that does its work", async (kind, fields) => {
    expect(await judge(kind, fields)).toEqual({ state: "ready" });
  });

  it.each([
    ["apps/v1 Deployment", three({ ...done, observedGeneration: 1 }), "not seen by its controller"],
    ["apps/v1 Deployment", {}, "not seen by its controller"],
    ["apps/v1 Deployment", three({ ...done, updatedReplicas: 1 }), "1 of 3 replicas updated"],
    ["apps/v1 Deployment", three({ ...done, replicas: 4 }), "1 old replicas remain"],
    ["apps/v1 Deployment", three({ ...done, availableReplicas: 2 }), "2 of 3 replicas available"],
    [
      "apps/v1 Deployment",
      three({ updatedReplicas: 0, ...condition("ReplicaFailure", "exceeded quota") }),
      "exceeded quota",
    ],
    ["apps/v1 StatefulSet", three({ ...full, readyReplicas: 2 }), "2 of 3 replicas ready"],
    ["apps/v1 StatefulSet", three({ ...full, availableReplicas: 1 }), "1 of 3 replicas ready"],
    [
      "apps/v1 StatefulSet",
      three({ ...full, updatedReplicas: 2, currentRevision: "a" }),
      "2 of 3 replicas updated",
    ],
    [
      "apps/v1 DaemonSet",
      {
        status: {
          ...seen,
          desiredNumberScheduled: 2,
          updatedNumberScheduled: 2,
          numberAvailable: 1,
        },
      },
      "1 of 2 nodes",
    ],
    [
      "batch/v1 Job",
      { status: { active: 1, failed: 2 } },
      "0 of 1 done, 1 running, 2 attempts failed",
    ],
    ["v1 Pod", { status: { phase: "Running" } }, "not ready"],
    ["v1 Service", { spec: selecting }, "no pod matches its selector"],
    ["v1 Service", { spec: { type: "LoadBalancer" } }, "no address"],
    ["v1 PersistentVolumeClaim", { status: { phase: "Pending" } }, "not bound"],
    ["v1 ResourceQuota", { spec: { hard: { pods: "1" } } }, "not counted"],
    ["v1 Secret", { type: "kubernetes.io/service-account-token" }, "token not issued"],
  ])("keeps waiting for a %s and says why", async (kind, fields, why) => {
    expect(await judge(kind, fields)).toEqual({
      state: "waiting",
      why: expect.stringContaining(why) as string,
    });
  });

  it.each([
    ["batch/v1 Job", { status: condition("Failed", "deadline exceeded") }, "deadline exceeded"],
    ["v1 Pod", { status: { phase: "Failed", reason: "Evicted" } }, "Evicted"],
  ])("gives up on a %s that failed", async (kind, fields, why) => {
    expect(await judge(kind, fields)).toEqual({ state: "failed", why });
  });

  it("takes a Service for ready with its first ready endpoint", async () => {
    const service = { spec: selecting };
    const [one, none] = [[endpoint(false), endpoint(true)], [endpoint(false)]];
    expect(await judge("v1 Service", service, { slices: one })).toEqual({ state: "ready" });
    expect(await judge("v1 Service", service, { slices: none })).toMatchObject({
      why: "none of its 1 pods is ready",
    });
  });

  it("does not wait for a volume that waits for its first pod", async () => {
    const claim = { spec: { storageClassName: "standard" }, status: { phase: "Pending" } };
    const [late, early] = ["WaitForFirstConsumer", "Immediate"];
    const kind = "v1 PersistentVolumeClaim";
    expect(await judge(kind, claim, { volumeBindingMode: late })).toMatchObject({ state: "ready" });
    expect(await judge(kind, claim, { volumeBindingMode: early })).toMatchObject({
      state: "waiting",
    });
  });

  it.each(["v1 ConfigMap", "rbac.authorization.k8s.io/v1 Role", "example.org/v1 Anything"])(
    "waits for no %s",
    async (kind) => {
      expect(await judge(kind, {})).toBeUndefined();
    },
  );

  it("does not wait where the program says so", async () => {
    const metadata = { annotations: { "pulumi.com/skipAwait": "true" } };
    expect(await judge("apps/v1 Deployment", { metadata })).toBeUndefined();
  });
});
