import { nothingHidden } from "../../../policies/rules/visible.ts";
import { violations } from "../support/judge.ts";
import { change, service, workload, workloadKinds } from "../support/resources.ts";

describe("nothing is hidden from the rules", () => {
  test.each(workloadKinds)("when a %s is declared whole", (kind) => {
    expect(violations(nothingHidden, workload(kind))).toEqual([]);
  });

  test.each([
    ["a patch of a Deployment", "kubernetes:apps/v1:DeploymentPatch"],
    ["a list of pods", "kubernetes:core/v1:PodList"],
    ["a list of anything", "kubernetes:v1:List"],
  ])("because %s is refused", (_description, type) => {
    expect(violations(nothingHidden, { ...service(), type })).toHaveLength(1);
  });

  const release = {
    type: "kubernetes:helm.sh/v3:Release",
    name: "cert-manager",
    props: {
      chart: "cert-manager",
      version: "v1.19.1",
      repositoryOpts: { repo: "https://charts.jetstack.io" },
      values: { crds: { enabled: true }, serviceAccount: { annotations: {} } },
    },
  };

  test("but for the one chart that is trusted", () => {
    expect(violations(nothingHidden, release)).toEqual([]);
  });

  test.each([
    ["another chart", ["chart"], "traefik"],
    ["the chart of somebody else", ["repositoryOpts", "repo"], "https://charts.example.test"],
    ["the chart of anybody", ["repositoryOpts"], undefined],
    ["whichever version there is", ["version"], undefined],
    ["a range of versions", ["version"], "^1.19.1"],
    ["whatever else it is told to make", ["values", "extraObjects"], [{ kind: "ClusterRole" }]],
    ["what a file tells it", ["valueYamlFiles"], ["values.yaml"]],
    ["what a program makes of it", ["postrender"], "./change.sh"],
  ])("because %s is refused", (_description, path, value) => {
    expect(violations(nothingHidden, change(release, path, value))).toHaveLength(1);
  });

  test("and a custom resource may be called a list", () => {
    const type = "kubernetes:example.test/v1:AllowList";
    expect(violations(nothingHidden, { ...service(), type })).toEqual([]);
  });
});
