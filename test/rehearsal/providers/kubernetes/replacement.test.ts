import { formatPath, differences } from "../../../../rehearsal/providers/difference.ts";
import type { KubernetesObject } from "../../../../rehearsal/providers/kubernetes/object.ts";
import { planReplacement } from "../../../../rehearsal/providers/kubernetes/replacement.ts";
import type { PropertyMap } from "../../../../rehearsal/providers/properties.ts";

const mutable = { enableConfigMapMutable: true, enableSecretMutable: true };
const immutable = { enableConfigMapMutable: false, enableSecretMutable: false };
const base = { metadata: { name: "it", namespace: "shop" } };

describe("planReplacement", () => {
  const plan = (
    kind: string,
    [old, now]: readonly [PropertyMap, PropertyMap],
    mutability = mutable,
  ) => {
    const [apiVersion, name] = kind.split(" ");
    const [before, after] = [old, now].map((fields) => ({
      apiVersion: apiVersion ?? "",
      kind: name ?? "",
      ...base,
      ...fields,
    }));
    const found = differences(before as PropertyMap, after as PropertyMap);
    return planReplacement(
      found,
      before as unknown as KubernetesObject,
      after as unknown as KubernetesObject,
      mutability,
    );
  };
  const spec = (field: string): [PropertyMap, PropertyMap] => [
    { spec: { [field]: "a" } },
    { spec: { [field]: "b" } },
  ];
  const top = (field: string): [PropertyMap, PropertyMap] => [{ [field]: "a" }, { [field]: "b" }];

  const replaced: [string, string, [PropertyMap, PropertyMap]][] = [
    ["v1 PersistentVolumeClaim", "spec.accessModes", spec("accessModes")],
    ["v1 PersistentVolumeClaim", "spec.storageClassName", spec("storageClassName")],
    ["v1 PersistentVolumeClaim", "spec.volumeName", spec("volumeName")],
    ["v1 PersistentVolumeClaim", "spec.selector", spec("selector")],
    ["v1 Service", "spec.clusterIP", spec("clusterIP")],
    ["apps/v1 Deployment", "spec.selector", spec("selector")],
    ["apps/v1 DaemonSet", "spec.selector", spec("selector")],
    ["apps/v1 StatefulSet", "spec.volumeClaimTemplates", spec("volumeClaimTemplates")],
    ["apps/v1 StatefulSet", "spec.serviceName", spec("serviceName")],
    ["apps/v1 StatefulSet", "spec.selector", spec("selector")],
    ["apps/v1 StatefulSet", "spec.podManagementPolicy", spec("podManagementPolicy")],
    ["apps/v1 StatefulSet", "spec.revisionHistoryLimit", spec("revisionHistoryLimit")],
    ["batch/v1 Job", "spec.template", spec("template")],
    ["batch/v1 Job", "spec.selector", spec("selector")],
    ["batch/v1 Job", "spec.completions", spec("completions")],
    ["batch/v1 Job", "spec.parallelism", spec("parallelism")],
    ["rbac.authorization.k8s.io/v1 RoleBinding", "roleRef", top("roleRef")],
    ["rbac.authorization.k8s.io/v1 ClusterRoleBinding", "roleRef", top("roleRef")],
    ["storage.k8s.io/v1 StorageClass", "parameters", top("parameters")],
    ["storage.k8s.io/v1 StorageClass", "provisioner", top("provisioner")],
  ];
  it.each(replaced)("replaces a %s for its %s, the old one first", (kind, path, change) => {
    const { replaces = [], deleteBeforeReplace } = plan(kind, change);
    expect(replaces.map((one) => formatPath(one.path))).toEqual([path]);
    expect(deleteBeforeReplace).toBe(true);
  });

  it.each([
    ["v1 PersistentVolumeClaim", spec("resources")],
    ["apps/v1 Deployment", spec("template")],
    ["apps/v1 StatefulSet", spec("replicas")],
    ["batch/v1 Job", spec("ttlSecondsAfterFinished")],
    ["batch/v1 CronJob", spec("jobTemplate")],
    ["example.org/v1 Job", spec("template")],
    ["v1 ConfigMap", top("data")],
    ["v1 Secret", top("data")],
  ] as const)("changes a %s in place otherwise", (kind, change) => {
    expect(plan(kind, change).replaces).toEqual([]);
  });

  it.each([
    ["v1 ConfigMap", "data"],
    ["v1 ConfigMap", "binaryData"],
    ["v1 Secret", "data"],
    ["v1 Secret", "stringData"],
    ["v1 Secret", "type"],
  ])("replaces a %s for its %s unless the provider lets it change", (kind, field) => {
    expect(plan(kind, top(field), immutable).replaces).toHaveLength(1);
    expect(plan(kind, top(field), mutable).replaces).toHaveLength(0);
  });

  it("replaces an immutable ConfigMap whatever the provider says", () => {
    const change = [
      { immutable: true, data: "a" },
      { immutable: true, data: "b" },
    ] as const;
    expect(plan("v1 ConfigMap", change).replaces).toHaveLength(1);
  });

  it("makes the new object first when its name or namespace is another", () => {
    const renamed = { metadata: { name: "other", namespace: "shop" } };
    const moved = { metadata: { name: "it", namespace: "other" } };
    for (const now of [renamed, moved]) {
      const { replaces, deleteBeforeReplace } = plan("v1 ConfigMap", [{}, now]);
      expect(replaces).toHaveLength(1);
      expect(deleteBeforeReplace).toBe(false);
    }
  });
});
