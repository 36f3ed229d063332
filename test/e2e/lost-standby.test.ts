import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { jest } from "@jest/globals";
import { cache } from "../../rehearsal/paths.ts";
import { startProviders, type Providers } from "../../rehearsal/providers/start.ts";
import { acquireTools } from "../../rehearsal/toolchain/toolchain.ts";
import { ControlPlane } from "./support/control-plane.ts";
import type { TwoRegionsRun } from "./support/run-two-regions.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const active = "eu-north-1";
const standby = "eu-west-1";
const unreachable = "the configured Kubernetes cluster is unreachable";
const folder = mkdtempSync(join(tmpdir(), "lost-standby-"));
const kubeconfigOf = (region: string) => join(folder, region);
const askedFileOf = (region: string) => join(folder, `${region}.asked`);
let plane: ControlPlane;
let providers: Providers;
let environment: Record<string, string>;

/** One API serves both regions, by a kubeconfig for each: a region is lost with the way to it. */
beforeAll(async () => {
  const { bin } = await acquireTools(["etcd", "kubernetes", "pulumi"], {
    cache,
    reporter: () => ({ status: () => undefined }),
  });
  plane = await ControlPlane.start(bin);
  for (const region of [active, standby]) {
    plane.kubectl("create", "namespace", region);
    plane.kubectl("-n", region, "create", "serviceaccount", "smoke");
    connect(region);
  }
  providers = await startProviders({ aws: { stateFile: join(folder, "aws.json") } });
  environment = {
    ...providers.environment,
    PATH: [dirname(bin.pulumi), process.env["PATH"]].join(":"),
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_HOME: join(folder, "home"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
});
afterAll(async () => {
  await providers.stop();
  await plane.stop();
  rmSync(folder, { recursive: true });
});

function connect(region: string): void {
  writeFileSync(kubeconfigOf(region), readFileSync(plane.kubeconfig));
}

function disconnect(region: string): void {
  const kubeconfig = readFileSync(plane.kubeconfig, "utf8");
  writeFileSync(kubeconfigOf(region), kubeconfig.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1"));
}

/** One update. Returns why it failed; nothing where it did not. */
async function up(change: Pick<TwoRegionsRun, "release"> & Partial<TwoRegionsRun>) {
  const regions = ([active, standby] as const).map((region) => ({
    region,
    role: region === active ? ("primary" as const) : ("standby" as const),
    kubeconfig: kubeconfigOf(region),
    askedFile: askedFileOf(region),
  }));
  const run: TwoRegionsRun = {
    ...{ regions, hasAddition: false, exclude: [], folder, environment },
    ...change,
  };
  const node = setInterval(finishPods, 500);
  try {
    const program = join(import.meta.dirname, "support/run-two-regions.ts");
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, JSON.stringify(run)],
      // Jest's own flags must not reach the program; the Automation API looks for the engine on its PATH.
      { env: { ...process.env, ...environment, NODE_OPTIONS: "" } },
    );
    return stdout.trim();
  } finally {
    clearInterval(node);
  }
}

/** There is no node to run them: each pod of a Job has succeeded as soon as it exists. */
function finishPods(): void {
  for (const region of [active, standby]) {
    const pending = ["--field-selector=status.phase=Pending", "--output=name"];
    for (const pod of plane.kubectl("-n", region, "get", "pods", ...pending).split("\n")) {
      if (pod !== "") plane.setStatus(`${pod} -n ${region}`, { phase: "Succeeded" });
    }
  }
}

const named = "jsonpath={range .items[?(@.data.release)]}{.metadata.name}={.data.release} {end}";
const objects = (region: string) =>
  plane.kubectl("-n", region, "get", "configmaps", `--output=${named}`).trim();
const asked = (region: string) =>
  existsSync(askedFileOf(region))
    ? readFileSync(askedFileOf(region), "utf8").trim().split("\n")
    : [];

// Each test goes on where the one before it ended, as a stack's life does.
describe("a lost standby region", () => {
  it("had the first release", async () => {
    expect(await up({ release: "v1.0.0" })).toBe("");
    for (const region of [active, standby]) {
      expect(objects(region)).toBe("kept=v1.0.0 renamed-v1.0.0=v1.0.0");
      expect(asked(region)).toEqual(["v1.0.0"]);
    }
  });

  it("does not stop the next release, and is left as it was, gates included", async () => {
    disconnect(standby);
    expect(await up({ release: "v1.1.0" })).toBe("");
    expect(objects(active)).toBe("kept=v1.1.0 renamed-v1.1.0=v1.1.0");
    expect(asked(active)).toEqual(["v1.0.0", "v1.1.0"]);
    expect(objects(standby)).toBe("kept=v1.0.0 renamed-v1.0.0=v1.0.0");
    expect(asked(standby)).toEqual(["v1.0.0"]);
  });

  it("stops a change that adds an object to it", async () => {
    expect(await up({ release: "v1.1.0", hasAddition: true })).toContain(unreachable);
  });

  it("does not stop it when everything of the region is left out by name", async () => {
    const exclude = [`**::${standby}-*`];
    expect(await up({ release: "v1.1.0", hasAddition: true, exclude })).toBe("");
    expect(objects(active)).toContain("added=v1.1.0");
  });

  it("stops a change that takes an object from it", async () => {
    connect(standby);
    expect(await up({ release: "v1.1.0", hasAddition: true })).toBe("");
    expect(objects(standby)).toBe("added=v1.1.0 kept=v1.1.0 renamed-v1.1.0=v1.1.0");
    disconnect(standby);
    expect(await up({ release: "v1.1.0" })).toContain(unreachable);
  });

  it("is brought up to date by the next run once it is back", async () => {
    connect(standby);
    expect(await up({ release: "v1.2.0" })).toBe("");
    for (const region of [active, standby]) {
      expect(objects(region)).toBe("kept=v1.2.0 renamed-v1.2.0=v1.2.0");
      expect(asked(region).at(-1)).toBe("v1.2.0");
    }
  });
});

test("a lost active region stops every change to it", async () => {
  disconnect(active);
  expect(await up({ release: "v1.3.0" })).toContain(unreachable);
});
