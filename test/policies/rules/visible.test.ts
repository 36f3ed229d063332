import { nothingHidden } from "../../../policies/rules/visible.ts";
import { violations } from "../support/judge.ts";
import { service, workload, workloadKinds } from "../support/resources.ts";

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

  test("and a custom resource may be called a list", () => {
    const type = "kubernetes:example.test/v1:AllowList";
    expect(violations(nothingHidden, { ...service(), type })).toEqual([]);
  });
});
