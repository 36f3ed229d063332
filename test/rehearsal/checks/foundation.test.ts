import { deployerReach, deployerRole, noClusterAccess } from "../../../rehearsal/checks/access.ts";
import { certificateReady } from "../../../rehearsal/checks/certificates.ts";
import {
  limits,
  networkPolicies,
  podSecurity,
  secrets,
} from "../../../rehearsal/checks/namespace.ts";
import { condition, holds, named } from "./holds.ts";
import { expectOutcome, regionWith, subject } from "./fake-cluster.ts";
import type { FakeContents, FakeObject } from "./fake-cluster.ts";

const { namespace } = subject;

const psa = (enforce: string): FakeContents => ({
  objects: {
    namespaces: [
      { metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": enforce } } },
    ],
  },
});
holds("podSecurity", podSecurity, psa("restricted"), {
  "the level is only baseline": psa("baseline"),
  "there is no namespace": {},
});

const quota = named("quota", { spec: { hard: { "limits.memory": "4Gi" } } });
const range = named("limits", { spec: { limits: [{ type: "Container" }] } });
holds(
  "limits",
  limits,
  { objects: { resourcequotas: [quota], limitranges: [range] } },
  {
    "there is no quota": { objects: { limitranges: [range] } },
    "there is no limit range": { objects: { resourcequotas: [quota] } },
  },
);

const deny = (spec: object) => named("default-deny", { spec });
const denyAll = deny({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
const edges = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    named(`edge-${index}`, {
      spec: { podSelector: { matchLabels: { a: "b" } }, policyTypes: ["Ingress"] },
    }),
  );
holds(
  "networkPolicies",
  networkPolicies,
  { objects: { networkpolicies: [denyAll, ...edges(5)] } },
  {
    "nothing is denied": { objects: { networkpolicies: edges(6) } },
    "only ingress is denied": {
      objects: {
        networkpolicies: [deny({ podSelector: {}, policyTypes: ["Ingress"] }), ...edges(5)],
      },
    },
    "the default deny lets something in": {
      objects: {
        networkpolicies: [
          deny({ podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [{}] }),
          ...edges(5),
        ],
      },
    },
    "the default deny selects only some pods": {
      objects: {
        networkpolicies: [
          deny({ podSelector: { matchLabels: { a: "b" } }, policyTypes: ["Ingress", "Egress"] }),
          ...edges(5),
        ],
      },
    },
    "fewer than five policies are named": { objects: { networkpolicies: [denyAll, ...edges(4)] } },
  },
);

describe("secrets", () => {
  const secret = (name: string, data: object) => named(name, { data });
  const all = [
    secret("postgres-secret", { POSTGRES_PASSWORD: "Y2FuYXJ5" }),
    secret("app-secret", { JWT_SECRET: "Y2FuYXJ5" }),
    secret("registry-pull-secret", { ".dockerconfigjson": "Y2FuYXJ5" }),
  ];

  test("passes when each has its key, and tells no value", async () => {
    const results = await secrets(regionWith({ objects: { secrets: all } }), subject);
    expect(results.map((it) => it.status)).toEqual(["passed", "passed", "passed"]);
    expect(JSON.stringify(results)).not.toContain("Y2FuYXJ5");
  });

  test("fails for the one that is missing and the one that is empty", async () => {
    const objects = {
      secrets: [secret("postgres-secret", { POSTGRES_PASSWORD: "" }), ...all.slice(2)],
    };
    const results = await secrets(regionWith({ objects }), subject);
    expect(results.map((it) => it.status)).toEqual(["failed", "failed", "passed"]);
  });

  test("skips the pull secret, with the reason, when images need no credentials", async () => {
    const region = regionWith({ objects: { secrets: all } });
    const results = await secrets(region, { ...subject, registryCredentials: false });
    expectOutcome(results.at(-1) ?? { status: "missing", detail: "" }, "skipped", /credentials/);
  });
});

const account = named("gravl-deployer");
const role = (verb: string) =>
  named("gravl-deployer", { rules: [{ verbs: [verb], resources: ["pods"] }] });
const binding = (kind: string) =>
  named("gravl-deployer", {
    subjects: [{ kind: "ServiceAccount", name: "gravl-deployer" }],
    roleRef: { kind, name: "gravl-deployer" },
  });
const access = (parts: { account?: FakeObject[]; verb?: string; kind?: string }): FakeContents => ({
  objects: {
    serviceaccounts: parts.account ?? [account],
    roles: [role(parts.verb ?? "get")],
    rolebindings: [binding(parts.kind ?? "Role")],
  },
});
holds("deployerRole", deployerRole, access({}), {
  "there is no account": access({ account: [] }),
  "the role has a wildcard": access({ verb: "*" }),
  "a ClusterRole is bound": access({ kind: "ClusterRole" }),
  "nothing is bound": { objects: { serviceaccounts: [account] } },
});

const clusterBinding = (subjects: object[]) => ({ metadata: { name: "b" }, subjects });
holds(
  "noClusterAccess",
  noClusterAccess,
  { objects: { clusterrolebindings: [clusterBinding([{ namespace: "kube-system" }])] } },
  {
    "a binding reaches into the namespace": {
      objects: { clusterrolebindings: [clusterBinding([{ namespace }])] },
    },
    "the program made a ClusterRole": {
      objects: {
        clusterroles: [
          { metadata: { name: "r", labels: { "app.kubernetes.io/managed-by": "lifeline" } } },
        ],
      },
    },
  },
);

describe("deployerReach", () => {
  const review = "POST /apis/authorization.k8s.io/v1/subjectaccessreviews";

  test.each([true, false])("fails when every question is answered with %s", async (allowed) => {
    const answers = { [review]: { status: 201, body: { status: { allowed } } } };
    expect(await deployerReach(regionWith({ answers }), subject)).toMatchObject({
      status: "failed",
    });
  });

  interface Asked {
    readonly namespace?: string;
    readonly resource: string;
  }
  const answering = (isAllowed: (asked: Asked) => boolean) => {
    const region = regionWith({});
    const cluster = {
      ...region.cluster,
      request: (_method: string, _path: string, body?: object) => {
        const { spec } = body as { spec: { resourceAttributes: Asked } };
        const allowed = isAllowed(spec.resourceAttributes);
        return Promise.resolve({ status: 201, body: JSON.stringify({ status: { allowed } }) });
      },
    };
    return deployerReach({ ...region, cluster }, subject);
  };

  test("passes when only the product's Deployments are allowed", async () => {
    const result = await answering(
      (asked) => asked.namespace === namespace && asked.resource === "deployments",
    );
    expect(result).toMatchObject({ status: "passed" });
  });

  test("fails when all of its own namespace is allowed", async () => {
    const result = await answering((asked) => asked.namespace === namespace);
    expect(result).toMatchObject({ status: "failed" });
  });
});

const ready = condition("Ready", "True");
const certificates = (issuer: object, certificate: object, own: object = ready): FakeContents => ({
  objects: {
    clusterissuers: [named("gravl-local", { ...issuer })],
    issuers: [named("database-ca", { ...own })],
    certificates: [
      named("gravl-tls", {
        spec: { issuerRef: { kind: "ClusterIssuer", name: "gravl-local" } },
        ...certificate,
      }),
      named("database", { spec: { issuerRef: { name: "database-ca" } }, ...certificate }),
    ],
  },
});
holds("certificateReady", certificateReady, certificates(ready, ready), {
  "the namespace's own issuer is not ready": certificates(
    ready,
    ready,
    condition("Ready", "False"),
  ),
  "the certificate is not ready": certificates(ready, condition("Ready", "False")),
  "the issuer is not ready": certificates(condition("Ready", "False"), ready),
  "it is ready for an older request only": certificates(ready, condition("Ready", "True", 0)),
  "there is no certificate": { objects: { clusterissuers: [named("gravl-local", ready)] } },
});
