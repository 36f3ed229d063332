import { narrowRoles, noApiTokens, noClusterRights } from "../../../policies/rules/api-access.ts";
import { violations } from "../support/judge.ts";
import {
  change,
  role,
  roleBinding,
  secret,
  withPodChange,
  workload,
  workloadKinds,
} from "../support/resources.ts";

describe("no cluster rights", () => {
  test("allows a Role and a binding to it", () => {
    expect(violations(noClusterRights, role())).toEqual([]);
    expect(violations(noClusterRights, roleBinding())).toEqual([]);
  });

  test.each(["ClusterRole", "ClusterRoleBinding"])("refuses a %s", (kind) => {
    const type = `kubernetes:rbac.authorization.k8s.io/v1:${kind}`;
    expect(violations(noClusterRights, { ...role(), type })).toHaveLength(1);
  });

  test.each([
    ["to a role of the cluster", ["roleRef", "kind"], "ClusterRole"],
    [
      "to cluster-admin",
      ["roleRef"],
      { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    ],
    ["without a kind of role", ["roleRef", "kind"], undefined],
    ["without a role", ["roleRef"], undefined],
    ["of everybody logged in", ["subjects", 0], { kind: "Group", name: "system:authenticated" }],
    ["of a nameless group", ["subjects", 0], { kind: "Group" }],
    ["of whoever is not logged in", ["subjects", 0], { kind: "User", name: "system:anonymous" }],
  ])("refuses a binding %s", (_description, path, value) => {
    const broken = change(roleBinding(), path, value);
    expect(violations(noClusterRights, broken)).toHaveLength(1);
  });
});

describe("narrow roles", () => {
  test("allow a role that names what it allows", () => {
    expect(violations(narrowRoles, role())).toEqual([]);
  });

  test.each([
    ["any verb", "verbs", "*"],
    ["any resource", "resources", "*"],
    ["any subresource", "resources", "deployments/*"],
    ["any API group", "apiGroups", "*"],
    ["handing out roles", "verbs", "bind"],
    ["widening itself", "verbs", "escalate"],
    ["acting as somebody else", "verbs", "impersonate"],
  ])("refuse %s", (_description, list, value) => {
    const broken = change(role(), ["rules", 0, list, 0], value);
    expect(violations(narrowRoles, broken)).toHaveLength(1);
  });

  test("name the rule, the list and the entry", () => {
    const [message] = violations(narrowRoles, change(role(), ["rules", 0, "verbs", 1], "*"));
    expect(message).toMatch(/^role deployer \(rules\[0\]\): verbs must .*, found "\*"\. Replace/);
  });
});

describe("no API tokens", () => {
  test.each(workloadKinds)("allow a %s without a token", (kind) => {
    expect(violations(noApiTokens, workload(kind))).toEqual([]);
  });

  describe.each(workloadKinds)("refuse a %s", (kind) => {
    test.each([true, undefined])("whose automountServiceAccountToken is %s", (value) => {
      const broken = withPodChange(kind, ["automountServiceAccountToken"], value);
      expect(violations(noApiTokens, broken)).toHaveLength(1);
    });
  });

  describe("asked for as a volume", () => {
    const holding = (account: string, container: number, serviceAccountToken: object) => {
      const pod = ["spec", "template", "spec"];
      return [
        [["volumes", 0], { name: "token", projected: { sources: [{ serviceAccountToken }] } }],
        [["serviceAccountName"], account],
        [["containers", 0, "name"], "postgres"],
        [["containers", container, "volumeMounts"], [{ name: "token" }]],
      ].reduce(
        (resource, [path, value]) => change(resource, [...pod, ...(path as string[])], value),
        workload("StatefulSet"),
      );
    };
    const token = { path: "token", expirationSeconds: 3600 };

    test.each([
      ["allow Patroni's container", holding("database", 0, token), 0],
      ["refuse another container of its pod", holding("database", 1, token), 1],
      ["refuse a container of that name in another pod", holding("backend", 0, token), 1],
      [
        "allow a token that the API does not take",
        holding("backend", 1, { ...token, audience: "sts.amazonaws.com" }),
        0,
      ],
      [
        "refuse a token that names the API as its audience",
        holding("backend", 1, { ...token, audience: "https://kubernetes.default.svc" }),
        1,
      ],
    ])("%s", (_description, pod, count) => {
      expect(violations(noApiTokens, pod)).toHaveLength(count);
    });
  });

  test.each([
    ["allow a service account that mounts none", { automountServiceAccountToken: false }, 0],
    ["refuse a service account that does not say", {}, 1],
    ["refuse a service account that mounts one", { automountServiceAccountToken: true }, 1],
  ])("%s", (_description, props, count) => {
    const account = { type: "kubernetes:core/v1:ServiceAccount", name: "backend", props };
    expect(violations(noApiTokens, account)).toHaveLength(count);
  });

  test("refuse a token without an end, kept in a Secret", () => {
    const token = secret({ type: "kubernetes.io/service-account-token" });
    expect(violations(noApiTokens, token)).toHaveLength(1);
    expect(violations(noApiTokens, secret({ type: "kubernetes.io/tls" }))).toEqual([]);
  });
});
