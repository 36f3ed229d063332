import { missingControllers } from "../../rehearsal/stand-ins.ts";
import { type FakeContents, fakeCluster } from "./checks/fake-cluster.ts";

/** A cluster with Deployments of these labels, in namespaces of their own. */
const clusterWith = (...labels: Readonly<Record<string, string>>[]) =>
  fakeCluster({
    objects: {
      deployments: labels.map((label, index) => ({
        metadata: { name: "it", namespace: `there-${String(index)}`, labels: label },
      })),
    },
  });

const named = (name: string) => ({ "app.kubernetes.io/name": name });

const missing = async (...clusters: ReturnType<typeof fakeCluster>[]) =>
  (await missingControllers(clusters)).map(({ name }) => name);

describe("controllers that a rehearsal does without", () => {
  it("are all that the regions of a rehearsal lack", async () => {
    expect(await missing(clusterWith(), clusterWith())).toEqual([
      "cert-manager",
      "External Secrets",
      "Prometheus operator",
      "metrics-server",
    ]);
  });

  it("are not those that both clusters run, under the labels that their publishers give them", async () => {
    const one = clusterWith(
      named("cert-manager"),
      named("external-secrets"),
      named("prometheus-operator"),
      named("metrics-server"),
    );
    const other = clusterWith(
      named("cert-manager"),
      named("external-secrets"),
      named("kube-prometheus-stack-prometheus-operator"),
      { "k8s-app": "metrics-server" },
    );
    expect(await missing(one, other)).toEqual([]);
  });

  it("are those that one of the clusters lacks", async () => {
    const both = clusterWith(named("cert-manager"), named("metrics-server"));
    expect(await missing(both, clusterWith(named("cert-manager")))).toEqual([
      "External Secrets",
      "Prometheus operator",
      "metrics-server",
    ]);
  });

  it("are all of them where a cluster does not tell", async () => {
    const answers: FakeContents["answers"] = {
      "GET /apis/apps/v1/deployments": { status: 403, body: { message: "forbidden" } },
    };
    expect(await missing(fakeCluster({ answers }))).toHaveLength(4);
  });
});
