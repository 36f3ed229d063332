import type { KubernetesObject } from "./support/schema.ts";
import { schemaErrors } from "./support/schema.ts";

const metadata = { name: "shop", namespace: "shop", labels: { "any/label": "x" } };

const objects = {
  Certificate: {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata,
    spec: {
      secretName: "shop-tls",
      dnsNames: ["shop.example.test"],
      issuerRef: { kind: "ClusterIssuer", name: "shop" },
    },
  },
  ClusterIssuer: {
    apiVersion: "cert-manager.io/v1",
    kind: "ClusterIssuer",
    metadata,
    spec: { ca: { secretName: "shop-ca" } },
  },
  ExternalSecret: {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata,
    spec: {
      refreshInterval: "1h",
      secretStoreRef: { kind: "SecretStore", name: "shop" },
      target: { name: "app-secret" },
      data: [{ secretKey: "JWT_SECRET", remoteRef: { key: "shop/app" } }],
    },
  },
  SecretStore: {
    apiVersion: "external-secrets.io/v1",
    kind: "SecretStore",
    metadata,
    spec: { provider: { aws: { service: "SecretsManager", region: "eu-north-1" } } },
  },
  PrometheusRule: {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata,
    spec: { groups: [{ name: "shop", rules: [{ alert: "Down", expr: "up == 0", for: "5m" }] }] },
  },
  ServiceMonitor: {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata,
    spec: { selector: { matchLabels: { app: "shop" } }, endpoints: [{ port: "metrics" }] },
  },
  Gateway: {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata,
    spec: {
      gatewayClassName: "traefik",
      listeners: [{ name: "https", protocol: "HTTPS", port: 443 }],
    },
  },
  HTTPRoute: {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata,
    spec: {
      parentRefs: [{ name: "shop" }],
      rules: [{ backendRefs: [{ name: "frontend", port: 8080 }] }],
    },
  },
  Deployment: {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      selector: { matchLabels: { app: "shop" } },
      template: {
        metadata: { labels: { app: "shop" } },
        spec: { containers: [{ name: "app", image: "app" }] },
      },
    },
  },
  ConfigMap: { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "any.key": "text" } },
} satisfies Record<string, KubernetesObject>;

const everyKind = Object.entries(objects);

describe("schemas", () => {
  test.each(everyKind)("accept a %s", async (_kind, object) => {
    expect(await schemaErrors(object)).toEqual([]);
  });

  test.each(everyKind)("refuse a %s with a field that does not exist", async (kind, object) => {
    const misspelt = { ...object, sepc: {} };
    expect(await schemaErrors(misspelt)).toEqual([`.sepc is not a field of ${kind}`]);
  });

  const { spec: certificate } = objects.Certificate;
  const { spec: gateway } = objects.Gateway;
  const { spec: deployment } = objects.Deployment;
  const rule = (fields: object) => ({ groups: [{ name: "shop", rules: [fields] }] });

  test.each([
    ["a certificate without a secret", "Certificate", { ...certificate, secretName: undefined }],
    ["a certificate of one name", "Certificate", { ...certificate, dnsNames: "shop" }],
    ["an alert without an expression", "PrometheusRule", rule({ alert: "Down" })],
    ["an unknown duration", "PrometheusRule", rule({ alert: "Down", expr: "up", for: "5x" })],
    ["a monitor without a selector", "ServiceMonitor", { endpoints: [] }],
    ["a port that is text", "Gateway", { ...gateway, listeners: [{ name: "https", port: "443" }] }],
    ["a store without a provider", "SecretStore", {}],
    ["replicas that are text", "Deployment", { ...deployment, replicas: "3" }],
    ["a deployment without a template", "Deployment", { selector: deployment.selector }],
  ] as const)("refuse %s", async (_description, kind, spec) => {
    const object = structuredClone({ ...objects[kind], spec });
    expect(await schemaErrors(object)).not.toEqual([]);
  });

  test("refuse a misspelt field at any depth and say where it is", async () => {
    const container = { name: "app", image: "app", imagePulPolicy: "Always" };
    const template = { ...deployment.template, spec: { containers: [container] } };
    const object = { ...objects.Deployment, spec: { ...deployment, template } };
    expect(await schemaErrors(object)).toEqual([
      ".spec.template.spec.containers[0].imagePulPolicy is not a field of Deployment",
    ]);
  });

  test("refuse a kind that they do not know", async () => {
    const stranger = { apiVersion: "cert-manager.io/v1", kind: "Certifcate" };
    await expect(schemaErrors(stranger)).rejects.toThrow();
  });
});
