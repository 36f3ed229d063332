import { imagesByDigest } from "../../../policies/rules/images.ts";
import { violations } from "../support/judge.ts";
import {
  change,
  containerLists,
  digest,
  service,
  withPodChange,
  workload,
  workloadKinds,
} from "../support/resources.ts";

describe("images by digest", () => {
  describe.each(workloadKinds)("%s", (kind) => {
    test("runs when every image is pinned", () => {
      expect(violations(imagesByDigest, workload(kind))).toEqual([]);
    });

    test.each(containerLists)("is refused when an image in %s has only a tag", (list) => {
      const tagged = withPodChange(kind, [list, 0, "image"], "example.test/app:1.0");
      expect(violations(imagesByDigest, tagged)).toHaveLength(1);
    });

    test.each(containerLists)("is refused when an image in %s is missing", (list) => {
      const silent = withPodChange(kind, [list, 0, "image"], undefined);
      expect(violations(imagesByDigest, silent)).toHaveLength(1);
    });
  });

  test.each([
    ["a digest that is too short", `example.test/app@${digest.slice(0, -1)}`],
    ["a digest that is too long", `example.test/app@${digest}0`],
    ["a digest that is not hexadecimal", `example.test/app@${digest.slice(0, -1)}g`],
    ["a digest of another algorithm", `example.test/app@${digest.replace("256", "512")}`],
    ["a digest without a repository", digest],
    ["two digests", `example.test/app@${digest}@${digest}`],
    ["an empty name", ""],
    ["a number", 7],
  ])("refuses %s", (_description, image) => {
    const pod = withPodChange("Pod", ["containers", 0, "image"], image);
    expect(violations(imagesByDigest, pod)).toHaveLength(1);
  });

  test("allows a tag beside the digest, which decides", () => {
    const image = `example.test:5000/team/app:1.0@${digest}`;
    const pod = withPodChange("Pod", ["containers", 0, "image"], image);
    expect(violations(imagesByDigest, pod)).toEqual([]);
  });

  test("says which container, where, what it found and what to write", () => {
    const image = "example.test/exporter:2.1";
    const tagged = withPodChange("CronJob", ["containers", 1, "image"], image);
    expect(violations(imagesByDigest, tagged)).toEqual([
      'container "exporter" (spec.jobTemplate.spec.template.spec.containers[1]): image must be ' +
        'pinned by digest, found "example.test/exporter:2.1". Write <repository>@sha256:<64 hex ' +
        "digits> in the release or stack file.",
    ]);
  });

  test("reports every container that breaks the rule", () => {
    const one = withPodChange("Deployment", ["containers", 0, "image"], "app:1");
    const two = change(one, ["spec", "template", "spec", "initContainers", 0, "image"], "app:1");
    expect(violations(imagesByDigest, two)).toHaveLength(2);
  });

  test.each([
    ["an older API version", "kubernetes:apps/v1beta1:Deployment"],
    ["a custom resource with a pod template", "kubernetes:argoproj.io/v1alpha1:Rollout"],
  ])("judges %s like any other", (_description, type) => {
    const tagged = withPodChange("Deployment", ["containers", 0, "image"], "app:1");
    expect(violations(imagesByDigest, { ...tagged, type })).toHaveLength(1);
  });

  test("judges a pod that has containers of one list only", () => {
    const type = "kubernetes:core/v1:Pod";
    const props = { spec: { containers: [{ name: "app", image: "app:1" }] } };
    expect(violations(imagesByDigest, { type, name: "app", props })).toHaveLength(1);
  });

  test("judges a pod declared without its type like any other", () => {
    const tagged = withPodChange("Pod", ["containers", 0, "image"], "app:1");
    expect(violations(imagesByDigest, { ...tagged, type: "kubernetes:v1:Pod" })).toHaveLength(1);
  });

  test("has nothing to say about what runs no pod", () => {
    expect(violations(imagesByDigest, service())).toEqual([]);
  });
});
