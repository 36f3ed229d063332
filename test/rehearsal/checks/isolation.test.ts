import type { V1Pod } from "@kubernetes/client-node";
import type { Cluster } from "../../../rehearsal/checks/cluster.ts";
import { databaseIsolation, unsafePodRefused } from "../../../rehearsal/checks/isolation.ts";
import { expectOutcome, regionWith, subject } from "./fake-cluster.ts";

const { namespace } = subject;
const postgres = "10.101.0.7:5432";

interface Rules {
  /** Whether a pod with these labels in this namespace gets through to the target. */
  readonly allows?: (pod: V1Pod, target: string) => boolean;
  /** What the pod says in place of its verdicts. */
  readonly log?: string;
  readonly phase?: string;
}

/** A cluster that runs probe pods at once and lets through what the rules allow. */
function clusterWith({ allows = () => false, log, phase = "Succeeded" }: Rules) {
  const pods = new Map<string, V1Pod>();
  const created: V1Pod[] = [];
  const cluster: Cluster = {
    context: "fake",
    exec: () => Promise.reject(new Error("no exec in this fake")),
    request(method, path, body) {
      const answer = (status: number, content: unknown) =>
        Promise.resolve({
          status,
          body: typeof content === "string" ? content : JSON.stringify(content),
        });
      if (method === "POST") {
        const pod = body as V1Pod;
        pods.set(pod.metadata?.name ?? "", pod);
        created.push(pod);
        return answer(201, pod);
      }
      const [plain = ""] = path.split("?");
      const name = /\/pods\/([^/]+)/.exec(plain)?.[1] ?? "";
      if (method === "DELETE") return answer(pods.delete(name) ? 200 : 404, {});
      if (plain.endsWith("/services/postgres"))
        return answer(200, { spec: { clusterIP: "10.101.0.7" } });
      if (plain.endsWith("/services/kubernetes"))
        return answer(200, { spec: { clusterIP: "10.101.0.1" } });
      const pod = pods.get(name);
      if (pod === undefined) return answer(404, {});
      if (!plain.endsWith("/log")) return answer(200, { status: { phase } });
      const targets = pod.spec?.containers[0]?.command?.slice(4) ?? [];
      const lines = targets.map((it) => `${it} ${allows(pod, it) ? "reached" : "blocked"}\n`);
      return answer(200, log ?? lines.join(""));
    },
  };
  return { cluster, pods, created };
}

const isSmoke = ({ metadata }: V1Pod) =>
  metadata?.labels?.["app.kubernetes.io/component"] === "smoke";
const correct = (pod: V1Pod, target: string) =>
  target !== postgres || (pod.metadata?.namespace === namespace && isSmoke(pod));

async function statuses(rules: Rules) {
  const { cluster, pods } = clusterWith(rules);
  const results = await databaseIsolation(regionWith({}, { cluster }), subject);
  expect(pods.size).toBe(0);
  return results.map((it) => it.status);
}

describe("databaseIsolation", () => {
  test("passes when only the labelled pod of the namespace gets through", async () => {
    expect(await statuses({ allows: correct })).toEqual(["passed", "passed", "passed"]);
  });

  test("fails for the pods that should be blocked when nothing is enforced", async () => {
    expect(await statuses({ allows: () => true })).toEqual(["passed", "failed", "failed"]);
  });

  test("fails for the control when everything is blocked: that would prove nothing", async () => {
    expect(await statuses({ allows: () => false })).toEqual(["failed", "passed", "failed"]);
  });

  test("fails when a pod of another namespace gets in by its label", async () => {
    const allows = (pod: V1Pod, target: string) => target !== postgres || isSmoke(pod);
    expect(await statuses({ allows })).toEqual(["passed", "passed", "failed"]);
  });

  test("fails when the probe says nothing", async () => {
    expect(await statuses({ log: "bash: not found" })).toEqual(["failed", "failed", "failed"]);
  });

  test("fails, and cleans up, when the probe does not run", async () => {
    expect(await statuses({ phase: "Failed" })).toEqual(["failed", "failed", "failed"]);
  });

  test("probes with pods that the restricted standard admits and no Service selects", async () => {
    const { cluster, created } = clusterWith({ allows: correct });
    await databaseIsolation(regionWith({}, { cluster }), subject);
    expect(created).toHaveLength(3);
    for (const { spec } of created) {
      const [container] = spec?.containers ?? [];
      expect(spec?.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      });
      expect(container?.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
      });
      expect(container?.readinessProbe?.exec?.command).toEqual(["false"]);
      expect(container?.image).toBe(subject.postgres.image);
    }
  });
});

describe("unsafePodRefused", () => {
  const path = `POST /api/v1/namespaces/${namespace}/pods`;
  const refusal = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged';

  test("passes when the API server refuses it for that reason, and only tries", async () => {
    const region = regionWith({ answers: { [path]: { status: 403, body: { message: refusal } } } });
    expectOutcome(await unsafePodRefused(region, subject), "passed", /^$/);
    expect((region.cluster as unknown as { seen: { path: string }[] }).seen[0]?.path).toMatch(
      /dryRun=All$/,
    );
  });

  test.each([
    ["it is accepted", { status: 201, body: {} }],
    ["it is refused for another reason", { status: 403, body: { message: "exceeded quota" } }],
    ["the server is broken", { status: 500, body: { message: refusal } }],
  ])("fails when %s", async (_, answer) => {
    const result = await unsafePodRefused(regionWith({ answers: { [path]: answer } }), subject);
    expect(result).toMatchObject({ status: "failed" });
  });
});
