import { restrictedNamespaces, restrictedPods } from "../../../policies/rules/restricted-pods.ts";
import { violations } from "../support/judge.ts";
import { change, namespace, withPodChange, workload, workloadKinds } from "../support/resources.ts";

describe("restricted pods", () => {
  test.each(workloadKinds)("allow a compliant %s", (kind) => {
    expect(violations(restrictedPods, workload(kind))).toEqual([]);
  });

  describe.each(workloadKinds)("refuse a %s", (kind) => {
    test.each(["hostNetwork", "hostPID", "hostIPC"])("that sets %s", (field) => {
      expect(violations(restrictedPods, withPodChange(kind, [field], true))).toHaveLength(1);
    });

    test("that mounts a path of its node", () => {
      const volume = { name: "root", hostPath: { path: "/" } };
      const broken = withPodChange(kind, ["volumes", 0], volume);
      expect(violations(restrictedPods, broken)).toHaveLength(1);
    });
  });

  test.each([
    ["a network file system", { nfs: { server: "10.0.0.1", path: "/" } }],
    ["an image as a volume", { image: { reference: "app" } }],
    ["a volume without a type", {}],
    ["a volume of two types", { emptyDir: {}, hostPath: { path: "/" } }],
  ])("refuse %s", (_description, source) => {
    const broken = withPodChange("Deployment", ["volumes", 1], { name: "data", ...source });
    expect(violations(restrictedPods, broken)).toHaveLength(1);
  });

  test.each([
    ["configMap", { name: "app" }],
    ["csi", { driver: "secrets" }],
    ["downwardAPI", { items: [] }],
    ["emptyDir", {}],
    ["ephemeral", { volumeClaimTemplate: {} }],
    ["persistentVolumeClaim", { claimName: "data" }],
    ["projected", { sources: [] }],
    ["secret", { secretName: "app" }],
  ])("allow a volume of type %s", (type, source) => {
    const pod = withPodChange("Deployment", ["volumes", 0], { name: "data", [type]: source });
    expect(violations(restrictedPods, pod)).toEqual([]);
  });

  test("refuse a kernel setting", () => {
    const sysctls = [{ name: "kernel.msgmax", value: "1" }];
    const broken = withPodChange("Deployment", ["securityContext", "sysctls"], sysctls);
    expect(violations(restrictedPods, broken)).toHaveLength(1);
  });

  test("name the volume and the types that are allowed", () => {
    const volume = { name: "root", hostPath: { path: "/" } };
    const [message] = violations(restrictedPods, withPodChange("Pod", ["volumes", 0], volume));
    expect(message).toMatch(/^volume "root" \(spec\.volumes\[0\]\): type must be one of configMap/);
    expect(message).toContain('found "hostPath"');
  });
});

describe("restricted namespaces", () => {
  const label = ["metadata", "labels", "pod-security.kubernetes.io/enforce"];

  test("allow a namespace that enforces the restricted standard", () => {
    expect(violations(restrictedNamespaces, namespace())).toEqual([]);
  });

  test.each([
    ["a weaker standard", label, "baseline"],
    ["no standard", label, undefined],
    ["no labels", ["metadata", "labels"], undefined],
    ["no metadata", ["metadata"], undefined],
  ])("refuse a namespace with %s", (_description, path, value) => {
    const broken = change(namespace(), path, value);
    expect(violations(restrictedNamespaces, broken)).toHaveLength(1);
  });
});
