import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { cache } from "../../rehearsal/paths.ts";
import { Secret, type PropertyMap } from "../../rehearsal/providers/properties.ts";
import { startProviders, type Providers } from "../../rehearsal/providers/start.ts";
import { acquireTools } from "../../rehearsal/toolchain/toolchain.ts";
import { FakeEngine, initFailure } from "../rehearsal/providers/fake-engine.ts";
import { ControlPlane } from "./support/control-plane.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const type = (kind: string) => ({ type: `kubernetes:${kind}` });
const configMap = type("core/v1:ConfigMap");
const deployment = type("apps/v1:Deployment");
const job = type("batch/v1:Job");

let plane: ControlPlane;
let providers: Providers;
let engine: FakeEngine;
let others: FakeEngine[] = [];

const connect = async (config: PropertyMap) => {
  const attachment = providers.environment.PULUMI_DEBUG_PROVIDERS;
  const other = await FakeEngine.attach(attachment, "kubernetes", { config });
  others.push(other);
  return other;
};

beforeAll(async () => {
  const { bin } = await acquireTools(["etcd", "kubernetes"], {
    cache,
    reporter: () => ({ status: () => undefined }),
  });
  plane = await ControlPlane.start(bin);
  providers = await startProviders({ only: ["kubernetes"] });
});
beforeEach(async () => {
  engine = await connect({ kubeconfig: plane.kubeconfig, enableConfigMapMutable: "true" });
});
afterEach(() => {
  for (const other of others) other.close();
  others = [];
});
afterAll(async () => {
  await providers.stop();
  await plane.stop();
});

/** Checks and creates, as the engine does. */
async function make(
  operation: { type: string; name?: string; timeoutSeconds?: number },
  fields: PropertyMap,
) {
  const { inputs, failures } = await engine.check(operation, fields);
  expect(failures).toEqual([]);
  return { ...(await engine.create(operation, inputs)), inputs };
}

const config = (name: string, data: PropertyMap) => ({ metadata: { name }, data });
const pods = (name: string, container: PropertyMap = {}) => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name: "app", image: "none", ...container }] },
});
const web = (name: string, spec: PropertyMap = {}, container: PropertyMap = {}) => ({
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, template: pods(name, container), ...spec },
});

async function untilPod(app: string): Promise<string> {
  for (;;) {
    const name = plane.kubectl("get", "pods", "-l", `app=${app}`, "-o", "name").split("\n")[0];
    if (name) return name;
    await sleep(100);
  }
}

describe("an object", () => {
  it("is created once; a second time it already exists", async () => {
    const { id, inputs, outputs } = await make(configMap, config("once", { a: "1" }));
    expect(id).toBe("default/once");
    expect(outputs).toMatchObject({ data: { a: "1" }, metadata: { namespace: "default" } });
    await expect(engine.create(configMap, inputs)).rejects.toThrow(
      "ConfigMap default/once already exists",
    );
  });

  it("is taken over by a provider that may", async () => {
    await make(configMap, config("found", { a: "1", b: "2" }));
    const adopting = await connect({ kubeconfig: plane.kubeconfig, upsertExistingObjects: "true" });
    const { inputs } = await adopting.check(configMap, config("found", { a: "3" }));
    const { outputs } = await adopting.create(configMap, inputs);
    expect(outputs["data"]).toEqual({ a: "3" });
  });

  it("loses the fields that the program no longer sets, and no others", async () => {
    const old = await make(configMap, config("shared", { a: "1", b: "2" }));
    plane.kubectl("patch", "configmap", "shared", "-p", '{"data":{"theirs":"3"}}');
    const { inputs } = await engine.check(configMap, config("shared", { a: "9" }), old.inputs);
    const outputs = await engine.update(configMap, old, inputs);
    expect(outputs["data"]).toEqual({ a: "9", theirs: "3" });
  });

  it("gets a name of its own that lasts", async () => {
    const { id, inputs } = await make({ ...configMap, name: "auto" }, { data: {} });
    expect(id).toMatch(/^default\/auto-[0-9a-f]{8}$/);
    const again = await engine.check({ ...configMap, name: "auto" }, { data: {} }, inputs);
    expect(again.inputs).toEqual(inputs);
  });

  it("does not differ for another spelling of the same value", async () => {
    const cpu = (amount: string) =>
      web("spelled", { replicas: 0 }, { resources: { requests: { cpu: amount } } });
    const old = await make(deployment, cpu("1000m"));
    const plan = async (amount: string) => {
      const { inputs } = await engine.check(deployment, cpu(amount), old.inputs);
      return engine.diff(deployment, old.inputs, inputs, old.outputs);
    };
    expect(await plan("1")).toMatchObject({ changed: false });
    expect(await plan("2")).toMatchObject({ changed: true, replaces: [] });
  });

  it("shows its drift to a refresh", async () => {
    const { id, inputs, outputs } = await make(configMap, config("drifting", { a: "1" }));
    plane.kubectl("patch", "configmap", "drifting", "-p", '{"data":{"a":"2","theirs":"3"}}');
    const found = await engine.read(configMap, id, inputs, outputs);
    expect(found.inputs["data"]).toEqual({ a: "2" });
    plane.kubectl("delete", "configmap", "drifting");
    expect((await engine.read(configMap, id, inputs, outputs)).id).toBe("");
  });

  it("with a mistyped field is refused in the preview already", async () => {
    const { inputs } = await engine.check(deployment, web("typo", { replica: 2 }));
    await expect(engine.create({ ...deployment, preview: true }, inputs)).rejects.toThrow(
      'unknown field "spec.replica"',
    );
  });

  it("can be previewed before its namespace and its kind exist", async () => {
    const preview = { ...type("example.org/v1:Widget"), preview: true };
    const metadata = { name: "w", namespace: "not-yet" };
    const { inputs } = await engine.check(preview, { metadata });
    await expect(engine.create(preview, inputs)).resolves.toBeDefined();
    const inner = { ...configMap, preview: true };
    const later = await engine.check(inner, { metadata });
    await expect(engine.create(inner, later.inputs)).resolves.toBeDefined();
  });

  it("never shows a secret, not even in a refusal that quotes it", async () => {
    const labels = { key: new Secret("no label: hunter22!") };
    const { inputs } = await engine.check(configMap, { metadata: { name: "quoted", labels } });
    const refusal = await engine.create(configMap, inputs).catch(String);
    expect(refusal).toContain("[secret]");
    expect(refusal).not.toContain("hunter22");
    const secret = { metadata: { name: "hidden" }, stringData: { a: new Secret("hunter22") } };
    const { outputs } = await make(type("core/v1:Secret"), secret);
    expect(outputs["data"]).toBeInstanceOf(Secret);
  });
});

describe("waiting", () => {
  it("ends when the pods are ready", async () => {
    const made = make(deployment, web("starts"));
    const pod = await untilPod("starts");
    plane.setStatus(pod, { phase: "Running", conditions: [{ type: "Ready", status: "True" }] });
    expect((await made).outputs["status"]).toMatchObject({ availableReplicas: 1 });
  });

  it("keeps an object that did not get ready, says why, and goes on the next time", async () => {
    const operation = { ...deployment, timeoutSeconds: 10 };
    const made = make(operation, web("stuck")).catch((error: unknown) => error);
    const pod = await untilPod("stuck");
    const waiting = { reason: "ImagePullBackOff", message: "no such image" };
    const image = { image: "none", imageID: "", restartCount: 0 };
    const containerStatuses = [{ name: "app", ready: false, ...image, state: { waiting } }];
    plane.setStatus(pod, { phase: "Pending", containerStatuses });

    const partial = initFailure(await made);
    expect(partial).toMatchObject({ id: "default/stuck" });
    expect(partial?.reasons[0]).toContain("was not ready after 10 s: 0 of 1 replicas available");
    expect(partial?.reasons[0]).toContain("app: ImagePullBackOff: no such image");
    if (partial === undefined) throw new Error("unreachable: asserted above");

    plane.setStatus(pod, { phase: "Running", conditions: [{ type: "Ready", status: "True" }] });
    const outputs = await engine.update(operation, partial, partial.inputs);
    expect(outputs["status"]).toMatchObject({ availableReplicas: 1 });
  });

  it("shows what it waits for", async () => {
    const made = make({ ...deployment, timeoutSeconds: 4 }, web("shown")).catch(() => undefined);
    await engine.sees("0 of 1 replicas available");
    await made;
  });

  it("tells of pods that admission refuses", async () => {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await make(type("core/v1:Namespace"), { metadata: { name: "strict", labels } });
    // Without it pods are refused for another reason, and tried again ever more rarely.
    plane.kubectl("wait", "serviceaccount/default", "-n", "strict", "--for=create");
    const refused = web("refused");
    const operation = { ...deployment, timeoutSeconds: 10 };
    const metadata = { ...refused.metadata, namespace: "strict" };
    await expect(make(operation, { ...refused, metadata })).rejects.toThrow("violates PodSecurity");
  });

  it("gives up at once on a Job that failed", async () => {
    const template = pods("migrate");
    const spec = { ...template.spec, restartPolicy: "Never" };
    const made = make(job, {
      metadata: { name: "migrate" },
      spec: { backoffLimit: 0, template: { ...template, spec } },
    }).catch((error: unknown) => error);
    plane.setStatus(await untilPod("migrate"), { phase: "Failed" });
    expect(initFailure(await made)?.reasons[0]).toMatch(/^Job default\/migrate failed: .*backoff/);
  });

  it("honours pulumi.com/waitFor on a kind that was just defined", async () => {
    const names = { kind: "Widget", plural: "widgets", singular: "widget", listKind: "WidgetList" };
    const schema = {
      openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    };
    const version = {
      name: "v1",
      served: true,
      storage: true,
      schema,
      subresources: { status: {} },
    };
    await make(type("apiextensions.k8s.io/v1:CustomResourceDefinition"), {
      metadata: { name: "widgets.example.org" },
      spec: { group: "example.org", scope: "Namespaced", names, versions: [version] },
    });
    const annotations = { "pulumi.com/waitFor": "condition=Ready" };
    const widget = { metadata: { name: "w", namespace: "default", annotations }, spec: {} };
    const made = make(type("example.org/v1:Widget"), widget);
    await engine.sees("waiting for condition=Ready");
    plane.setStatus("widget w", { conditions: [{ type: "Ready", status: "True" }] });
    await expect(made).resolves.toMatchObject({ id: "default/w" });
  });

  it("ends when the run is cancelled, and keeps the object", async () => {
    const made = make(deployment, web("cancelled")).catch((error: unknown) => error);
    await untilPod("cancelled");
    await engine.cancel();
    expect(initFailure(await made)).toMatchObject({ id: "default/cancelled" });
  });
});

describe("deleting", () => {
  it("waits until a namespace and all in it are gone", async () => {
    const namespace = await make(type("core/v1:Namespace"), { metadata: { name: "brief" } });
    await make(configMap, { metadata: { name: "in-it", namespace: "brief" }, data: {} });
    await engine.delete(type("core/v1:Namespace"), namespace);
    expect(plane.kubectl("get", "namespaces", "-o", "name")).not.toContain("brief");
  });

  it("waits for dependents, and is no error when the object is gone", async () => {
    const made = await make(deployment, web("falls", { replicas: 0 }));
    await engine.delete(deployment, made);
    expect(plane.kubectl("get", "replicasets", "-l", "app=falls", "-o", "name")).toBe("");
    await expect(engine.delete(deployment, made)).resolves.toBeUndefined();
  });

  it("says what holds an object back", async () => {
    const metadata = { name: "held", finalizers: ["example.org/hold"] };
    const made = await make(configMap, { metadata, data: {} });
    const operation = { ...configMap, timeoutSeconds: 1 };
    await expect(engine.delete(operation, made)).rejects.toThrow(
      "ConfigMap default/held still exists 1 s after its deletion: held by example.org/hold",
    );
  });
});
