import { restrictedContainers } from "../../../policies/rules/restricted-containers.ts";
import { violations } from "../support/judge.ts";
import {
  change,
  containerLists,
  service,
  withPodChange,
  workload,
  workloadKinds,
} from "../support/resources.ts";

const context = (...path: (string | number)[]) => ["securityContext", ...path];

/** Each breaks one promise for one container. */
const containerMutations: readonly [string, (string | number)[], unknown][] = [
  ["has no security context", context(), undefined],
  ["may escalate privileges", context("allowPrivilegeEscalation"), true],
  ["does not say whether it escalates", context("allowPrivilegeEscalation"), undefined],
  ["is privileged", context("privileged"), true],
  ["writes to its root file system", context("readOnlyRootFilesystem"), false],
  ["does not say whether it writes", context("readOnlyRootFilesystem"), undefined],
  ["keeps its capabilities", context("capabilities"), undefined],
  ["drops only some capabilities", context("capabilities", "drop"), ["NET_RAW"]],
  ["drops no capability", context("capabilities", "drop"), []],
  ["adds a capability", context("capabilities", "add"), ["NET_BIND_SERVICE", "SYS_ADMIN"]],
  ["overrides runAsNonRoot", context("runAsNonRoot"), false],
  ["overrides the user with root", context("runAsUser"), 0],
  ["overrides seccomp", context("seccompProfile"), { type: "Unconfined" }],
  ["turns AppArmor off", context("appArmorProfile"), { type: "Unconfined" }],
  ["chooses its SELinux label", context("seLinuxOptions"), { type: "spc_t" }],
  ["unmasks /proc", context("procMount"), "Unmasked"],
  ["is a process of a Windows host", context("windowsOptions"), { hostProcess: true }],
  ["opens a port of its node", ["ports", 0, "hostPort"], 80],
  ["lets its probe call another host", ["livenessProbe", "httpGet", "host"], "10.0.0.1"],
  [
    "lets its hook call another host",
    ["lifecycle", "preStop", "tcpSocket"],
    { host: "10.0.0.1", port: 1 },
  ],
];

describe("restricted containers", () => {
  test.each(workloadKinds)("allow a compliant %s", (kind) => {
    expect(violations(restrictedContainers, workload(kind))).toEqual([]);
  });

  describe.each(containerLists)("refuse a pod when one of its %s", (list) => {
    test.each(containerMutations)("%s", (_description, path, value) => {
      const broken = withPodChange("Deployment", [list, 0, ...path], value);
      expect(violations(restrictedContainers, broken)).not.toEqual([]);
    });
  });

  test.each(workloadKinds)("refuse a privileged container in a %s", (kind) => {
    const path = ["initContainers", 0, "securityContext", "privileged"];
    expect(violations(restrictedContainers, withPodChange(kind, path, true))).toHaveLength(1);
  });

  test.each([
    ["runAsNonRoot", undefined],
    ["runAsNonRoot", false],
    ["runAsUser", 0],
    ["seccompProfile", undefined],
    ["seccompProfile", { type: "Unconfined" }],
    ["appArmorProfile", { type: "Unconfined" }],
    ["seLinuxOptions", { type: "spc_t" }],
    ["windowsOptions", { hostProcess: true }],
  ])("refuse every container that inherits %s: %j from its pod", (field, value) => {
    const broken = withPodChange("Deployment", ["securityContext", field], value);
    expect(violations(restrictedContainers, broken)).toHaveLength(4);
  });

  test("let each container say what its pod does not", () => {
    const silent = withPodChange("Pod", ["securityContext", "runAsNonRoot"], undefined);
    const path = ["spec", "containers", 0, "securityContext", "runAsNonRoot"];
    expect(violations(restrictedContainers, silent)).toHaveLength(4);
    expect(violations(restrictedContainers, change(silent, path, true))).toHaveLength(3);
  });

  test("allow the one capability that the standard allows", () => {
    const path = ["containers", 0, "securityContext", "capabilities", "add"];
    const pod = withPodChange("Pod", path, ["NET_BIND_SERVICE"]);
    expect(violations(restrictedContainers, pod)).toEqual([]);
  });

  test("say which container, which field, what it found and what it must be", () => {
    const path = ["containers", 1, "securityContext", "allowPrivilegeEscalation"];
    expect(violations(restrictedContainers, withPodChange("Job", path, true))).toEqual([
      'container "exporter" (spec.template.spec.containers[1]): ' +
        "securityContext.allowPrivilegeEscalation must be false, found true. Correct it in the " +
        "component that declares the container.",
    ]);
  });

  test("have nothing to say about what runs no pod", () => {
    expect(violations(restrictedContainers, service())).toEqual([]);
  });
});
