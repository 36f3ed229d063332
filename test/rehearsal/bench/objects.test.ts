import { describe, expect, it } from "@jest/globals";
import {
  type KubernetesObject,
  changedDeployments,
  objectsOf,
  waitsFor,
} from "../../../rehearsal/bench/objects.ts";
import { shown } from "../../../rehearsal/masked.ts";

const object = (
  kind: string,
  name: string,
  rest: Partial<KubernetesObject> & { annotations?: Record<string, string> } = {},
): KubernetesObject => {
  const { annotations, ...others } = rest;
  const metadata = { name, ...(annotations !== undefined && { annotations }) };
  return { apiVersion: "v1", kind, metadata, ...others };
};

describe("objects of a state", () => {
  const provider = (region: string) =>
    `urn:pulumi:local::lifeline::lifeline:region:RegionProviders$pulumi:providers:kubernetes::${region}-providers-cluster::id`;
  const secret = object("Secret", "a");

  it("are those of one region's cluster", () => {
    const inputs = { ...secret };
    const state = [
      { type: "pulumi:pulumi:Stack" },
      { type: "kubernetes:core/v1:Secret", provider: provider("eu-north-1"), inputs },
      { type: "kubernetes:core/v1:Secret", provider: provider("eu-west-1"), inputs: {} },
      { type: "aws:s3/bucket:Bucket", provider: provider("eu-north-1"), inputs: {} },
    ];
    expect(objectsOf("eu-north-1", state)).toEqual([secret]);
  });

  it("come with their secrets as what they are", () => {
    const hidden = (plaintext: string) => ({
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      plaintext,
    });
    const nested = hidden(JSON.stringify({ key: hidden('"d"') }));
    const exported = {
      nested,
      data: hidden('{"password":"a\\"b"}'),
      list: [hidden('"c"'), 1, null],
    };
    expect(shown(exported)).toEqual({
      nested: { key: "d" },
      data: { password: 'a"b' },
      list: ["c", 1, null],
    });
  });
});

describe("waits for objects", () => {
  it("are what the engine waits for, and nothing for objects that are ready at once", () => {
    const apps = { apiVersion: "apps/v1" };
    const waitFor = { "pulumi.com/waitFor": "condition=Ready" };
    const waits = waitsFor([
      object("ConfigMap", "a"),
      object("StatefulSet", "b", apps),
      object("Deployment", "c", apps),
      object("Job", "d", { apiVersion: "batch/v1" }),
      object("Issuer", "e", { apiVersion: "cert-manager.io/v1", annotations: waitFor }),
    ]);
    expect(waits).toEqual([
      ["rollout", "status", "statefulset.apps/b"],
      ["rollout", "status", "deployment.apps/c"],
      ["wait", "--for=condition=Complete", "job.batch/d"],
      ["wait", "--for=condition=Ready", "issuer.cert-manager.io/e"],
    ]);
  });

  it("are an accepted route, where the engine compares fields with each other", () => {
    const annotations = { "pulumi.com/waitFor": '["jsonpath={.a}=$.b"]' };
    const [[, condition, route] = []] = waitsFor([
      object("HTTPRoute", "r", { apiVersion: "gateway.networking.k8s.io/v1", annotations }),
    ]);
    expect(condition).toContain("Accepted");
    expect(route).toBe("httproute.gateway.networking.k8s.io/r");
  });
});

it("names the Deployments that another release gives other pods", () => {
  const deployment = (name: string, replicas: number) =>
    object("Deployment", name, { spec: { replicas } });
  const before = [deployment("same", 1), deployment("other", 1), object("Job", "other")];
  const after = [deployment("other", 2), deployment("same", 1)];
  expect(changedDeployments(before, after)).toEqual(["deployment/other"]);
});
