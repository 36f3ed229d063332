import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { cache, kubeconfigFile, runFolder } from "../../rehearsal/paths.ts";
import { topology } from "../../rehearsal/regions/topology.ts";
import { registryCredentials } from "../../rehearsal/rehearsal-secrets.ts";
import { acquireTools } from "../../rehearsal/toolchain/toolchain.ts";
import { shellPod, tryOnce } from "../regions/support/shell-pod.ts";
import { differences } from "./support/declared.ts";
import { evidenceIn, lifeline, startLifeline } from "./support/lifeline.ts";
import { claim, clearTheWay, failureOf } from "./support/rehearsal.ts";
import { asSomebodyElses } from "./support/somebody-elses.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const reportFolder = mkdtempSync(join(tmpdir(), "lifeline-report-"));
const start = ["start", "--report", reportFolder];

beforeAll(async () => {
  await clearTheWay();
  const { bin } = await acquireTools(["kubernetes"], {
    cache,
    reporter: () => ({ status: () => undefined }),
  });
  kubectlFile = bin.kubectl;
});

let kubectlFile = "";

/** @throws Error with what kubectl said, when it failed */
const kubectl = (region: "a" | "b", args: readonly string[], input = ""): string =>
  execFileSync(kubectlFile, [...cluster(region), ...args], {
    encoding: "utf8",
    input,
    maxBuffer: 2 ** 27,
  });

const cluster = (region: "a" | "b"): string[] => [
  ...["--kubeconfig", kubeconfigFile, "--context", topology[region].kubeContext],
];

const succeeds = async (args: readonly string[]): Promise<string> =>
  failureOf(await lifeline(args));

const namespace = "gravl-local";

/** An image with bash in it that each node holds. */
const imageOfDatabase = (region: "a" | "b"): string =>
  kubectl(region, [
    ...["get", "statefulsets", "-n", namespace],
    ...["-o", "jsonpath={.items[0].spec.template.spec.containers[0].image}"],
  ]);

/** What the namespace's quota has left for a pod more. */
const small = {
  resources: {
    requests: { cpu: "10m", memory: "16Mi", "ephemeral-storage": "1Mi" },
    limits: { cpu: "100m", memory: "32Mi", "ephemeral-storage": "8Mi" },
  },
};

/** Runs a pod to its end and removes it. @returns its log */
function saidBy(region: "a" | "b", pod: { readonly metadata: { readonly name: string } }): string {
  const { name } = pod.metadata;
  try {
    kubectl(region, ["create", "-f", "-"], JSON.stringify(pod));
    const ended = "--for=jsonpath={.status.phase}=Succeeded";
    kubectl(region, ["wait", ended, `pod/${name}`, "-n", namespace, "--timeout=60s"]);
    return kubectl(region, ["logs", name, "-n", namespace]);
  } finally {
    remove(region, name);
  }
}

const remove = (region: "a" | "b", pod: string): string =>
  kubectl(region, ["delete", "pod", pod, "-n", namespace, "--ignore-not-found", "--now"]);

describe("npm start", () => {
  it("refuses to run beside another one, and says which", async () => {
    const first = startLifeline(start);
    await first.says(/\.\.\. {2}two regions/);
    const second = await lifeline(start);
    expect(second.code).toBe(4);
    expect(second.output).toMatch(/npm start is running already \(process \d+/);
    first.killTree();
    await first.finished;
  });

  it("goes live on two real regions, and every phase of the runbook passes, although it was killed while the regions booted and again while the databases came up", async () => {
    const killed = startLifeline(start);
    await killed.says(/\.\.\. {2}go live/);
    await sleep(25_000);
    killed.killTree();
    await killed.finished;
    expect(await succeeds(start)).toBe("");
    claim();
    const { verdict, interruption, phases } = evidenceIn(reportFolder);
    expect({ verdict, interruption }).toEqual({ verdict: "passed", interruption: null });
    expect(phases.filter(({ status }) => status !== "passed").map(({ id }) => id)).toEqual([]);
  });

  it("has everything in the clusters that it declared, and nothing that a killed run left", () => {
    for (const region of ["a", "b"] as const) {
      const found = differences(region, (args) => kubectl(region, args));
      expect(found).toEqual({ missing: [], stray: [], predecessors: 0 });
    }
  });

  it.each(["a", "b"] as const)(
    "isolates the database of region %s, as the report says: only a pod with the right label reaches it",
    (region) => {
      const address = kubectl(region, [
        ...["get", "service", "postgres", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}"],
      ]);
      const image = imageOfDatabase(region);
      // Policies of a new pod take a moment to be in force.
      const script = `sleep 3; for _ in 1 2 3; do ${tryOnce(address, 5432)}; done`;
      const stranger = shellPod({ name: "stranger", namespace, image, script, overrides: small });
      // The labels of the smoke test, which may ask the database and which no Service selects.
      const labels = Object.fromEntries(
        ["name", "component"].map((label) => [`app.kubernetes.io/${label}`, "smoke"]),
      );
      const permitted = { ...stranger, metadata: { name: "permitted", namespace, labels } };
      expect(saidBy(region, permitted)).toContain("open");
      expect(saidBy(region, stranger)).toBe("shut\nshut\nshut\n");
      expect(evidenceIn(reportFolder).phases.find(({ id }) => id === "security")?.status).toBe(
        "passed",
      );
    },
    3 * 60_000,
  );

  it.each(["a", "b"] as const)(
    "refuses an unsafe pod in region %s, as the report says",
    (region) => {
      const image = imageOfDatabase(region);
      const securityContext = { runAsUser: 0, allowPrivilegeEscalation: true };
      const unsafe = shellPod({
        ...{ name: "unsafe", namespace, image, script: "true" },
        overrides: { ...small, securityContext },
      });
      const { status, stderr } = spawnSync(kubectlFile, [...cluster(region), "create", "-f", "-"], {
        encoding: "utf8",
        input: JSON.stringify(unsafe),
      });
      try {
        expect(status).not.toBe(0);
        expect(stderr).toContain('pods "unsafe" is forbidden: violates PodSecurity "restricted');
      } finally {
        remove(region, "unsafe");
      }
    },
  );

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

  it("uses two clusters that are there already, by context, with the archive of a file, and reports as far as it came when it is interrupted", async () => {
    const { kubeconfig, archive, contexts } = asSomebodyElses();
    const args = contexts.flatMap((context) => ["--context", context]);
    const running = startLifeline([...start, ...args, "--archive", archive], {
      KUBECONFIG: kubeconfig,
      PATH: [dirname(kubectlFile), process.env["PATH"] ?? ""].join(delimiter),
    });
    // By then the program has run, and its first phases are checked.
    await running.says(/ok {3}T\+0 /);
    running.process.kill("SIGINT");
    const { code, output } = await running.finished;
    expect({ code, output }).toMatchObject({ code: 130 });
    expect(output).toContain("with images built here");
    const { interruption, phases, runs } = evidenceIn(reportFolder);
    expect(interruption).toContain("Interrupted. Run npm start again to go on from here");
    // The same clusters under other names: what is in them stays.
    expect(runs).toMatchObject([{ name: "go live", created: 0, replaced: 0, deleted: 0 }]);
    const passed = phases.filter(({ status }) => status === "passed").map(({ id }) => id);
    // One phase more may have ended before the interruption was heard.
    const checked = ["foundation", "database", "data", "application", "gateway"];
    expect(passed.slice(0, checked.length)).toEqual(checked);
    expect(passed).not.toContain("security");
  });
});

describe("arguments", () => {
  it("names the two contexts that it needs", async () => {
    const { code, output } = await lifeline(["start", "--context", "only-one"]);
    expect(code).toBe(2);
    expect(output).toContain("--context: got only-one; allowed are exactly two different contexts");
  });

  it("takes an archive file for clusters that are named, and for no others", async () => {
    const { code, output } = await lifeline(["start", "--archive", "archive.yaml"]);
    expect(code).toBe(2);
    expect(output).toContain("--archive: got archive.yaml without --context");
  });

  it("names the contexts that there are for one that is not there", async () => {
    const kubeconfig = join(mkdtempSync(join(tmpdir(), "lifeline-contexts-")), "kubeconfig");
    const contexts = [{ name: "other", context: { cluster: "other", user: "other" } }];
    writeFileSync(kubeconfig, JSON.stringify({ apiVersion: "v1", kind: "Config", contexts }));
    const { code, output } = await lifeline(["start", "--context", "no-a", "--context", "no-b"], {
      KUBECONFIG: kubeconfig,
      PATH: [dirname(kubectlFile), process.env["PATH"] ?? ""].join(delimiter),
    });
    expect(code).toBe(2);
    expect(output).toContain(
      `--context: context must be one of the kubeconfig's (other), got "no-a"`,
    );
  });
});
