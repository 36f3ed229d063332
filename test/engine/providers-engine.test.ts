import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { jest } from "@jest/globals";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import { cache } from "../../rehearsal/paths.ts";
import { startProviders, type Providers } from "../../rehearsal/providers/start.ts";
import { acquireTools } from "../../rehearsal/toolchain/toolchain.ts";
import { ControlPlane } from "./support/control-plane.ts";
import { mixedProgram } from "./support/mixed-program.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const canary = "canary-value-of-the-engine-test";
const folder = mkdtempSync(join(tmpdir(), "providers-engine-"));
let plane: ControlPlane;
let providers: Providers;
let stack: Stack;
let values = { kubeconfig: "", canary, data: "one", serviceName: "db" };
let log = "";
const onOutput = (text: string) => (log += text);

beforeAll(async () => {
  const { bin } = await acquireTools(["etcd", "kubernetes", "pulumi"], {
    cache,
    reporter: () => ({ status: () => undefined }),
  });
  plane = await ControlPlane.start(bin);
  values = { ...values, kubeconfig: plane.kubeconfig };
  providers = await startProviders({ aws: { stateFile: join(folder, "aws.json") } });
  const path = [dirname(bin.pulumi), process.env["PATH"]].join(":");
  // The Automation API looks for the engine on the PATH of this process.
  process.env["PATH"] = path;
  stack = await LocalWorkspace.createStack(
    {
      stackName: "test",
      projectName: "providers",
      program: () => {
        mixedProgram(values);
        return Promise.resolve();
      },
    },
    {
      projectSettings: {
        name: "providers",
        runtime: "nodejs",
        backend: { url: `file://${folder}` },
      },
      envVars: {
        ...providers.environment,
        PATH: path,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_HOME: join(folder, "home"),
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    },
  );
});
afterAll(async () => {
  await providers.stop();
  await plane.stop();
  rmSync(folder, { recursive: true });
});

/** The stack, one password, and 17 resources for each region. */
const total = 36;

/** What an update changed, without what it left alone. */
async function up() {
  const { summary } = await stack.up({ onOutput });
  const changes = Object.entries(summary.resourceChanges ?? {});
  return Object.fromEntries(changes.filter(([operation]) => operation !== "same"));
}

// Each test goes on where the one before it ended, as a stack's life does.
describe("the stand-ins, under the real engine", () => {
  it("preview everything before anything exists", async () => {
    expect((await stack.preview({ onOutput })).changeSummary).toEqual({ create: total });
  });

  it("create everything, then change nothing", async () => {
    expect(await up()).toEqual({ create: total });
    expect(await up()).toEqual({});
  });

  it("find no drift where there is none", async () => {
    const { summary } = await stack.refresh({ onOutput });
    expect(summary.resourceChanges).toEqual({ same: total });
    expect(await up()).toEqual({});
  });

  it("heal drift", async () => {
    plane.kubectl("-n", "eu-west-1", "patch", "configmap", "it", "-p", '{"data":{"data":"x"}}');
    await stack.refresh({ onOutput });
    expect(await up()).toEqual({ update: 1 });
    const data = plane.kubectl(
      "-n",
      "eu-west-1",
      "get",
      "configmap",
      "it",
      "-o",
      "jsonpath={.data}",
    );
    expect(JSON.parse(data)).toEqual({ data: "one" });
  });

  it("update in place what can be", async () => {
    values = { ...values, data: "two" };
    expect(await up()).toEqual({ update: 8 });
  });

  it("replace what cannot", async () => {
    values = { ...values, serviceName: "other" };
    expect(await up()).toEqual({ replace: 2 });
  });

  it("leave a secret in plain text nowhere", () => {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));
    expect(files.some((text) => text.includes("eu-west-1-binary"))).toBe(true);
    const forms = [canary, Buffer.from(canary).toString("base64")];
    for (const text of [log, ...files]) {
      for (const form of forms) expect(text.includes(form)).toBe(false);
    }
  });

  it("destroy everything", async () => {
    const { summary } = await stack.destroy({ onOutput });
    expect(summary.resourceChanges).toEqual({ delete: total });
    expect(plane.kubectl("get", "namespaces", "-o", "name")).not.toContain("eu-");
  });
});
