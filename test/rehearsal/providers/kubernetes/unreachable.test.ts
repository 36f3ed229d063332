import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PropertyMap } from "../../../../rehearsal/providers/properties.ts";
import { startProviders, type Providers } from "../../../../rehearsal/providers/start.ts";
import { FakeEngine } from "../fake-engine.ts";

const configMap = { type: "kubernetes:core/v1:ConfigMap" };
const config = (name: string, data: PropertyMap) => ({ metadata: { name }, data });

let providers: Providers;
let engines: FakeEngine[] = [];
const connect = async (settings: PropertyMap) => {
  const attachment = providers.environment.PULUMI_DEBUG_PROVIDERS;
  const engine = await FakeEngine.attach(attachment, "kubernetes", { config: settings });
  engines.push(engine);
  return engine;
};

beforeAll(async () => {
  providers = await startProviders({ only: ["kubernetes"] });
});
afterEach(() => {
  for (const engine of engines) engine.close();
  engines = [];
});
afterAll(() => providers.stop());

describe("a cluster that is away", () => {
  const folder = mkdtempSync(join(tmpdir(), "away-"));
  const kubeconfig = join(folder, "kubeconfig");
  const named = { name: "away" };
  const away = {
    clusters: [{ ...named, cluster: { server: "https://127.0.0.1:1" } }],
    users: [{ ...named, user: {} }],
    contexts: [{ ...named, context: { cluster: "away", user: "away" } }],
    "current-context": "away",
  };
  writeFileSync(kubeconfig, JSON.stringify(away));
  afterAll(() => rmSync(folder, { recursive: true }));

  const old = { id: "default/it", inputs: config("it", { a: "1" }), outputs: config("it", {}) };

  it("is skipped by updates where the provider says so, and told of", async () => {
    const skipping = await connect({ kubeconfig, skipUpdateUnreachable: "true" });
    const { inputs } = await skipping.check(configMap, config("it", { a: "2" }), old.inputs);
    expect(inputs).toEqual(old.inputs);
    await skipping.sees("not updated: https://127.0.0.1:1");
    const found = await skipping.read(configMap, old.id, old.inputs, old.outputs);
    expect(found.outputs).toEqual(old.outputs);
  });

  it("fails whatever needs it", async () => {
    const failing = await connect({ kubeconfig, skipUpdateUnreachable: "true" });
    const refusal = "the configured Kubernetes cluster is unreachable: https://127.0.0.1:1";
    await expect(failing.create(configMap, old.inputs)).rejects.toThrow(refusal);
    await expect(failing.update(configMap, old, old.inputs)).rejects.toThrow(refusal);
    await expect(failing.delete(configMap, old)).rejects.toThrow(refusal);
  });

  it("can be forgotten", async () => {
    const forgetting = await connect({ kubeconfig, deleteUnreachable: "true" });
    await forgetting.delete(configMap, old);
    await forgetting.sees("forgotten, not deleted");
    expect((await forgetting.read(configMap, old.id, old.inputs, old.outputs)).id).toBe("");
  });

  it("moves no object to another namespace for not knowing its kind", async () => {
    const engine = await connect({ kubeconfig });
    const olds = { metadata: { name: "it", namespace: "shop" } };
    const { inputs } = await engine.check(configMap, { metadata: { name: "it" } }, olds);
    expect(inputs["metadata"]).toEqual({ name: "it", namespace: "shop" });
  });

  it("is told by name when the context is not in the kubeconfig", async () => {
    const engine = await connect({ kubeconfig, context: "other" });
    await expect(engine.create(configMap, old.inputs)).rejects.toThrow(
      'context must be one of the kubeconfig\'s (away), got "other"',
    );
  });
});
