import analyzerProto from "@pulumi/pulumi/proto/analyzer_pb.js";
import { rules } from "../../policies/rules.ts";
import type { Analyzer } from "./support/analyzer.ts";
import { marked, startAnalyzer, unknown } from "./support/analyzer.ts";
import type { Resource } from "./support/resources.ts";
import {
  bucket,
  configMap,
  namespace,
  networkPolicy,
  publicAccessBlock,
  role,
  roleBinding,
  secret,
  service,
  withPodChange,
  workload,
  workloadKinds,
} from "./support/resources.ts";

const { MANDATORY, ADVISORY } = analyzerProto.EnforcementLevel;

describe("the policy pack, in the process that the engine runs", () => {
  let analyzer: Analyzer;

  beforeAll(async () => {
    analyzer = await startAnalyzer();
  }, 30_000);

  afterAll(() => analyzer.stop());

  /** The levels at which a rule, or any rule, finds fault with a resource. */
  async function levels(resource: Resource, rule?: string) {
    const diagnostics = await analyzer.judge(resource);
    return diagnostics
      .filter(({ policyname }) => rule === undefined || policyname === rule)
      .map(({ enforcementlevel }) => enforcementlevel);
  }

  test("serves every rule", async () => {
    const { policiesList } = await analyzer.info();
    expect(policiesList.map(({ name }) => name)).toEqual(rules.map(({ name }) => name));
  });

  test("blocks what breaks any rule: none is advisory or disabled", async () => {
    const { policiesList } = await analyzer.info();
    for (const { name, enforcementlevel } of policiesList) {
      // Violations of a remediating rule are reported as mandatory; it is needed to see secrets.
      const level =
        name === "secret-values-stay-secret" ? analyzerProto.EnforcementLevel.REMEDIATE : MANDATORY;
      expect([name, enforcementlevel]).toEqual([name, level]);
    }
  });

  test("tells for every rule how bad a violation is and how to repair it", () => {
    for (const rule of rules) {
      expect(rule.severity).toMatch(/^(high|critical)$/);
      expect(rule.displayName?.length).toBeGreaterThan(0);
      expect(rule.remediationSteps?.length).toBeGreaterThan(0);
    }
  });

  test.each([
    ...workloadKinds.map(workload),
    bucket(),
    configMap({ LOG_LEVEL: "info" }),
    namespace(),
    networkPolicy(),
    publicAccessBlock(),
    role(),
    roleBinding(),
    secret({ stringData: marked({ JWT_SECRET: "canary" }) }),
    service(),
  ])("lets a compliant $type pass every rule", async (resource) => {
    expect(await levels(resource)).toEqual([]);
  });

  test("blocks an image without digest", async () => {
    const tagged = withPodChange("Deployment", ["containers", 0, "image"], "app:1");
    expect(await levels(tagged)).toEqual([MANDATORY]);
  });

  test("blocks a stateful resource without protection", async () => {
    expect(await levels({ ...namespace(), protect: false })).toEqual([MANDATORY]);
  });

  test.each([
    ["a Secret whose data is not marked", secret({ stringData: { JWT_SECRET: "canary" } })],
    ["a secret value in a ConfigMap", configMap({ conf: marked("canary") })],
  ])("blocks %s", async (_description, resource) => {
    expect(await levels(resource, "secret-values-stay-secret")).toEqual([MANDATORY]);
  });

  test("changes no resource: a remediation would hide what is wrong with the program", async () => {
    const plain = secret({ stringData: { JWT_SECRET: "canary" } });
    expect(await analyzer.remediations(plain)).toEqual([]);
  });

  test("lets a preview pass whose secrets are not known yet", async () => {
    expect(await levels(secret({ stringData: unknown }))).toEqual([]);
  });

  test("blocks a wrong image beside one that a preview does not know", async () => {
    const one = withPodChange("Pod", ["containers", 0, "image"], unknown);
    const two = withPodChange("Pod", ["containers", 1, "image"], "app:1");
    expect(await levels(one, "images-by-digest")).toEqual([ADVISORY]);
    const spec = { ...(one.props["spec"] as object), initContainers: containersOf(two) };
    expect(await levels({ ...one, props: { spec } }, "images-by-digest")).toEqual([
      MANDATORY,
      ADVISORY,
    ]);
  });
});

function containersOf({ props }: ReturnType<typeof workload>): unknown {
  return (props["spec"] as { containers: unknown }).containers;
}
