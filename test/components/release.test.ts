import { NetworkPolicies } from "../../components/network-policies/network-policies.ts";
import { SmokeGate } from "../../components/smoke-gate.ts";
import type { WebServiceArgs } from "../../components/web-service.ts";
import { WebService } from "../../components/web-service.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { networkPoliciesArgs, smokeGateArgs, webServiceArgs } from "../support/args.ts";
import { all, at, declare, objectName, only } from "../support/declare.ts";

const web = (overrides: Partial<WebServiceArgs> = {}) =>
  declare(() => new WebService("it", { ...webServiceArgs, ...overrides }));
const smoke = (overrides: Partial<typeof smokeGateArgs> = {}) =>
  declare(() => new SmokeGate("it", { ...smokeGateArgs, ...overrides }));

describe("WebService", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await web();
  });
  const deployment = (...path: (string | number)[]) =>
    at(only(graph, "Deployment").inputs, "spec", ...path);
  const container = (...path: (string | number)[]) =>
    deployment("template", "spec", "containers", 0, ...path);

  test("leaves the number of replicas to the autoscaler, which exists first", () => {
    expect(deployment("replicas")).toBeUndefined();
    expect(at(only(graph, "HorizontalPodAutoscaler").inputs, "spec")).toMatchObject({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "backend" },
      minReplicas: 3,
      maxReplicas: 6,
    });
    expect(graph.dependsOn(only(graph, "Deployment"))).toContain("it-autoscaler");
  });

  test("never has fewer pods than before during a rollout", () => {
    expect(deployment("strategy", "rollingUpdate")).toEqual({
      maxUnavailable: 0,
      maxSurge: "100%",
    });
  });

  test("drains before it stops, within its grace period", () => {
    expect(container("lifecycle", "preStop")).toEqual({ sleep: { seconds: 5 } });
    // The services promise to finish within 20 s of SIGTERM.
    expect(deployment("template", "spec", "terminationGracePeriodSeconds")).toBeGreaterThanOrEqual(
      25,
    );
  });

  test("is restarted for not being alive, never for not being ready", () => {
    expect(container("livenessProbe", "httpGet", "path")).toBe("/healthz");
    expect(container("readinessProbe", "httpGet", "path")).toBe("/readyz");
  });

  test("keeps each pod's configuration during a rollout and after a rollback", async () => {
    // An object of its own could be deleted while pods still need it.
    expect(container("env")).toContainEqual({ name: "LOG_LEVEL", value: "info" });
    expect(container("envFrom")).toBeUndefined();
    expect(all(graph, "ConfigMap")).toEqual([]);
    const own = at(
      only(await web({ config: { PORT: "1" } }), "Deployment").inputs,
      ...["spec", "template", "spec", "containers", 0, "env"],
    );
    // What the platform says counts.
    expect(own).toContainEqual({ name: "PORT", value: "3000" });
    expect(own).not.toContainEqual({ name: "PORT", value: "1" });
  });

  test("mounts secrets as files, readable for its own group alone", async () => {
    const secret = { secret: "app-secret", folder: "/etc/secrets/app", key: "JWT_SECRET" };
    const spec = at(
      only(await web({ secretFiles: [secret] }), "Deployment").inputs,
      ...["spec", "template", "spec"],
    );
    expect(at(spec, "volumes")).toContainEqual({
      name: "app-secret",
      secret: {
        secretName: "app-secret",
        defaultMode: 0o440,
        items: [{ key: "JWT_SECRET", path: "JWT_SECRET" }],
      },
    });
    expect(at(spec, "containers", 0, "volumeMounts")).toContainEqual({
      name: "app-secret",
      mountPath: "/etc/secrets/app",
      readOnly: true,
    });
  });

  test("keeps all but one pod during drains, and is not held up by a broken one", () => {
    expect(at(only(graph, "PodDisruptionBudget").inputs, "spec")).toMatchObject({
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
  });

  test("spreads each release over zones and nodes, without refusing to run when one is gone", () => {
    const constraints = deployment("template", "spec", "topologySpreadConstraints");
    const common = { whenUnsatisfiable: "ScheduleAnyway", matchLabelKeys: ["pod-template-hash"] };
    expect(constraints).toMatchObject([
      { topologyKey: "topology.kubernetes.io/zone", ...common },
      { topologyKey: "kubernetes.io/hostname", ...common },
    ]);
    expect(deployment("template", "spec", "affinity")).toBeUndefined();
  });
});

describe("SmokeGate", () => {
  test("asks from outside after it has asked from inside", async () => {
    const graph = await smoke();
    expect(graph.dependsOn(only(graph, "Command"))).toContain("it-inside");
  });

  test("asks again when anything it judges changed, and only then", async () => {
    const observed = async (...args: Parameters<typeof smoke>) => {
      const graph = await smoke(...args);
      return [objectName(only(graph, "Job")), at(only(graph, "Command").inputs, "triggers")];
    };
    const before = await observed();
    expect(await observed()).toEqual(before);
    const after = await observed({ contentHash: "9876543210" });
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).not.toEqual(before[1]);
    expect(only(await smoke(), "Command").options.replaceOnChanges).toEqual(["triggers[*]"]);
  });

  test("says what failed before the Job is cut off, and is not asked twice", async () => {
    const spec = at(only(await smoke({ deadlineSeconds: 120 }), "Job").inputs, "spec");
    expect(spec).toMatchObject({ activeDeadlineSeconds: 120, backoffLimit: 0 });
    expect(at(spec, "template", "spec", "containers", 0, "env")).toContainEqual({
      name: "DEADLINE_SECONDS",
      value: "90",
    });
  });

  test("tries to reach what listens and is forbidden to it, so that policies without effect are noticed", async () => {
    const env = at(
      only(await smoke(), "Job").inputs,
      ...["spec", "template", "spec", "containers", 0, "env"],
    ) as { name: string; value: string }[];
    const value = env.find(({ name }) => name === "FORBIDDEN_ADDRESSES")?.value;
    expect(value).toBe("backend:9464 frontend:9464");
    const policies = await declare(() => new NetworkPolicies("it", networkPoliciesArgs));
    const permitted = all(policies, "NetworkPolicy")
      .map(({ inputs }) => inputs["spec"])
      .filter((spec) => JSON.stringify(at(spec, "podSelector")).includes('"smoke"'))
      .flatMap((spec) => at(spec, "egress", 0, "ports") as { port: number }[])
      .map(({ port }) => port);
    expect(permitted).toContain(5432);
    for (const address of value?.split(" ") ?? []) {
      expect(permitted).not.toContain(Number(address.split(":")[1]));
    }
  });

  test("is waited for a little longer than it may take", async () => {
    const graph = await smoke({ deadlineSeconds: 120 });
    expect(only(graph, "Job").options.createTimeout).toBe("180s");
    expect(only(graph, "Command").options.createTimeout).toBe("180s");
  });

  test("refuses a deadline that leaves no time for a check", async () => {
    await expect(smoke({ deadlineSeconds: 30 })).rejects.toThrow(
      "smoke: deadlineSeconds must be more than 30, got 30",
    );
  });

  test("puts no path of this machine into the state", async () => {
    const { inputs } = only(await smoke(), "Command");
    expect(inputs["dir"]).toBeUndefined();
    expect(JSON.stringify(inputs)).not.toContain(process.cwd());
  });

  test("judges this region, whatever the public name resolves to", async () => {
    const { inputs } = only(await smoke(), "Command");
    expect(inputs["environment"]).toEqual({
      GATE_HOST: "acme.test",
      GATE_ADDRESS: "192.0.2.1",
      GATE_RELEASE: "v1.2.3",
      GATE_DEADLINE_SECONDS: "120",
    });
  });
});
