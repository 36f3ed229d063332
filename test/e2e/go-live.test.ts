import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { holderOf } from "../../rehearsal/process-lock.ts";
import { cache, kubeconfigFile, repository, runFolder } from "../../rehearsal/paths.ts";
import type { Evidence } from "../../rehearsal/report/evidence.ts";
import { topology } from "../../rehearsal/regions/topology.ts";
import { registryCredentials } from "../../rehearsal/rehearsal-secrets.ts";
import { acquireTools } from "../../rehearsal/toolchain/toolchain.ts";
import { type Finished, evidenceIn, lifeline, startLifeline } from "./support/lifeline.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const reportFolder = mkdtempSync(join(tmpdir(), "lifeline-report-"));
const start = ["start", "--report", reportFolder];

beforeAll(async () => {
  const holder = holderOf(join(cache, "rehearsal.lock"));
  // What an ended CI run left is nobody's; anywhere else it may be somebody's work.
  if (process.env["CI"] === "true" && holder === undefined) await lifeline(["stop"]);
  if (holder !== undefined || existsSync(kubeconfigFile)) {
    throw new Error(
      `a rehearsal is there already (${runFolder}): these tests would destroy it. Fix: npm run stop`,
    );
  }
  const { bin } = await acquireTools(["kubernetes"], {
    cache,
    reporter: () => ({ status: () => undefined }),
  });
  kubectlFile = bin.kubectl;
});

afterAll(async () => {
  await lifeline(["stop"]);
});

let kubectlFile = "";

const kubectl = (region: "a" | "b", args: readonly string[]): string =>
  execFileSync(
    kubectlFile,
    ["--kubeconfig", kubeconfigFile, "--context", topology[region].kubeContext, ...args],
    {
      encoding: "utf8",
    },
  );

/** What is running, without what differs between two equal runs. */
const endState = (): string[] =>
  (["a", "b"] as const).flatMap((region) =>
    kubectl(region, [
      ...[
        "get",
        "deployments,statefulsets,services,jobs,networkpolicies,secrets,configmaps,roles,rolebindings,pdb,hpa",
      ],
      ...["-n", "gravl-local", "-o", "name"],
    ])
      .split("\n")
      // Patroni keeps its notes in objects that come and go; a gate's name ends with the mark of its turn.
      .filter((name) => !/-(failover|failsafe|sync|leader)$/.test(name))
      .map((name) => `${region} ${name.replace(/(writable-[0-9a-f]+)-[0-9a-f]+$/, "$1")}`),
  );

/** What a command said, if it failed; empty when it did not. */
const failureOf = ({ code, output }: Finished): string =>
  code === 0 ? "" : `exit code ${String(code)}:\n${output}`;

const succeeds = async (args: readonly string[]): Promise<string> =>
  failureOf(await lifeline(args));

const checksNamed = (evidence: Evidence, name: RegExp) =>
  evidence.phases.flatMap((phase) => phase.checks).filter((check) => name.test(check.name));

describe("npm start", () => {
  let clean: string[] = [];

  it("goes live on two real regions, and every phase of the runbook passes", async () => {
    expect(await succeeds(start)).toBe("");
    const { verdict, interruption, phases } = evidenceIn(reportFolder);
    expect({ verdict, interruption }).toEqual({ verdict: "passed", interruption: null });
    expect(phases.filter(({ status }) => status !== "passed").map(({ id }) => id)).toEqual([]);
    clean = endState();
  });

  it("changes nothing when it runs again", async () => {
    expect(await succeeds(start)).toBe("");
    for (const run of evidenceIn(reportFolder).runs) {
      expect(run).toMatchObject({ created: 0, updated: 0, replaced: 0, deleted: 0 });
      expect(run.unchanged).toBeGreaterThan(100);
    }
  });

  it("isolates the database and refuses privileged pods, as the report says", () => {
    const evidence = evidenceIn(reportFolder);
    expect(checksNamed(evidence, /Postgres|privileged|label/i).length).toBeGreaterThan(0);
    expect(evidence.phases.find(({ id }) => id === "security")?.status).toBe("passed");
  });

  it("runs what the report says, as kubectl sees it", () => {
    for (const [index, region] of (["a", "b"] as const).entries()) {
      const reported = evidenceIn(reportFolder).regions[index];
      const ready = kubectl(region, [
        ...[
          "get",
          "deployment",
          "backend",
          "-n",
          "gravl-local",
          "-o",
          "jsonpath={.status.readyReplicas}",
        ],
      ]);
      expect(Number(ready)).toBe(reported?.workloads?.backend.ready);
      expect(Number(ready)).toBe(3);
    }
  });

  it("keeps the canary secret out of state, logs and report", () => {
    const { canary } = registryCredentials();
    const folders = ["engine/state", "engine/project", "engine/releases"].map((folder) =>
      join(runFolder, folder),
    );
    const files = [...folders, reportFolder].flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    );
    const spellings = [canary, Buffer.from(`rehearsal:${canary}`).toString("base64")];
    const found = files.filter((file) =>
      spellings.some((secret) => readFileSync(file, "utf8").includes(secret)),
    );
    expect(files.length).toBeGreaterThan(5);
    expect(found).toEqual([]);
    const held = kubectl("a", [
      ...["get", "secret", "registry-pull-secret", "-n", "gravl-local"],
      ...["-o", "jsonpath={.data.\\.dockerconfigjson}"],
    ]);
    expect(Buffer.from(held, "base64").toString()).toContain(spellings[1]);
  });

  it("uses two clusters that are there already, by context", async () => {
    const contexts = [topology.a, topology.b].flatMap(({ kubeContext }) => [
      "--context",
      kubeContext,
    ]);
    const { code, output } = await lifeline([...start, ...contexts], {
      KUBECONFIG: kubeconfigFile,
      PATH: [dirname(kubectlFile), process.env["PATH"] ?? ""].join(delimiter),
    });
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toContain("with images built here");
    for (const run of evidenceIn(reportFolder).runs) {
      expect(run).toMatchObject({ created: 0, updated: 0, replaced: 0, deleted: 0 });
    }
  });

  it("refuses to run beside another one, and says which", async () => {
    const first = startLifeline(start);
    await first.says(/tools/);
    const second = await lifeline(start);
    expect(second.code).toBe(4);
    expect(second.output).toMatch(/npm start is running already \(process \d+/);
    expect(failureOf(await first.finished)).toBe("");
  });

  it.each([
    ["while the regions boot", /\.\.\. {2}two regions/, 4000],
    ["in the update, while the databases come up", /\.\.\. {2}go live/, 25_000],
  ])("killed %s and run again, ends in the same state", async (_when, line, afterMs) => {
    await lifeline(["stop"]);
    const killed = startLifeline(start);
    await killed.says(line);
    await sleep(afterMs);
    killed.killTree();
    await killed.finished;
    const { code, output } = await lifeline(start);
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(endState()).toEqual(clean);
  });

  it("leaves nothing behind after npm run stop", async () => {
    expect(await succeeds(["stop"])).toBe("");
    expect(existsSync(runFolder)).toBe(false);
    expect(execFileSync("ip", ["-br", "link"], { encoding: "utf8" })).not.toContain("lifeline");
  });
});

describe("arguments", () => {
  it("names the two contexts that it needs", async () => {
    const { code, output } = await lifeline(["start", "--context", "only-one"]);
    expect(code).toBe(2);
    expect(output).toContain("--context: got only-one; allowed are exactly two different contexts");
  });

  it("says what it cannot run on for a context that is not there", async () => {
    const { code, output } = await lifeline(["start", "--context", "no-a", "--context", "no-b"], {
      KUBECONFIG: join(repository, "package.json"),
    });
    expect(code).not.toBe(0);
    expect(output).toMatch(/context/);
  });
});
