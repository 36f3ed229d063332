import type { CertificatesArgs } from "../../components/certificates.ts";
import { Certificates } from "../../components/certificates.ts";
import type { GatewayArgs } from "../../components/gateway.ts";
import { Gateway } from "../../components/gateway.ts";
import { Monitoring } from "../../components/monitoring/monitoring.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { certificatesArgs, gatewayArgs, monitoringArgs } from "../support/args.ts";
import { all, at, declare, only, valueOf } from "../support/declare.ts";

const acme: CertificatesArgs["issuer"] = {
  kind: "acme",
  server: "https://acme.invalid/directory",
  email: "ops@acme.test",
  hostedZoneId: "Z0ACMETEST",
  region: "eu-north-1",
  roleArn: "arn:aws:iam::111122223333:role/dns01",
};

describe("Certificates", () => {
  const certificates = (overrides: Partial<CertificatesArgs> = {}) =>
    declare(() => new Certificates("it", { ...certificatesArgs, ...overrides }));

  test("waits until the certificate is there", async () => {
    const { inputs } = only(await certificates(), "Certificate");
    expect(at(inputs, "metadata", "annotations", "pulumi.com/waitFor")).toBe("condition=Ready");
    expect(at(inputs, "spec")).toMatchObject({
      secretName: "acme-tls",
      dnsNames: ["acme.test", "north.acme.test"],
      issuerRef: { kind: "ClusterIssuer", name: "acme-test" },
    });
  });

  test("renews with half of the certificate's life left", async () => {
    const spec = only(await certificates(), "Certificate").inputs["spec"];
    const hours = (field: string) => Number.parseInt(String(at(spec, field)), 10);
    expect(hours("renewBefore") / hours("duration")).toBe(0.5);
  });

  test("proves the name by DNS, the one way that a region without traffic has", async () => {
    const graph = await certificates({ issuer: acme });
    const solvers = at(only(graph, "ClusterIssuer").inputs, "spec", "acme", "solvers");
    expect(solvers).toEqual([
      {
        dns01: {
          route53: { region: "eu-north-1", hostedZoneID: "Z0ACMETEST", role: acme.roleArn },
        },
      },
    ]);
  });

  test("gives the DNS role to cert-manager itself where it installs it, and has the issuer after it", async () => {
    const graph = await certificates({
      issuer: acme,
      certManager: { install: true, version: "v1.19.1" },
    });
    const release = only(graph, "Release");
    expect(release.inputs).toMatchObject({ chart: "cert-manager", version: "v1.19.1" });
    expect(at(release.inputs, "values", "serviceAccount", "annotations")).toEqual({
      "eks.amazonaws.com/role-arn": acme.roleArn,
    });
    const issuer = only(graph, "ClusterIssuer");
    expect(graph.dependsOn(issuer)).toContain("it-cert-manager");
    expect(JSON.stringify(issuer.inputs)).not.toContain(acme.roleArn);
  });

  test("never takes cert-manager away from other products", async () => {
    const graph = await certificates({ certManager: { install: true, version: "v1.19.1" } });
    expect(only(graph, "Release").options.retainOnDelete).toBe(true);
    expect(at(only(graph, "Release").inputs, "values", "crds", "keep")).toBe(true);
  });
});

describe("Gateway", () => {
  let graph: GraphView;
  let address: string;
  const gateway = async (overrides: Partial<GatewayArgs> = {}) => {
    const found: Promise<string>[] = [];
    const declared = await declare(() => {
      found.push(valueOf(new Gateway("it", { ...gatewayArgs, ...overrides }).address));
    });
    return { graph: declared, address: (await found[0]) ?? "" };
  };
  beforeAll(async () => {
    ({ graph, address } = await gateway());
  });
  const route = (name: string) => only(graph, "HTTPRoute", name).inputs["spec"];

  test("serves the public name by HTTPS with the product's certificate", () => {
    const listeners = at(only(graph, "Gateway").inputs, "spec", "listeners") as unknown[];
    expect(listeners).toContainEqual(
      expect.objectContaining({
        name: "https",
        protocol: "HTTPS",
        port: 443,
        hostname: "acme.test",
        tls: { mode: "Terminate", certificateRefs: [{ kind: "Secret", name: "acme-tls" }] },
      }),
    );
  });

  test("answers plain HTTP with a redirect and nothing else", () => {
    expect(route("https-redirect")).toMatchObject({
      parentRefs: [{ name: "acme", sectionName: "http" }],
      rules: [{ filters: [{ requestRedirect: { scheme: "https", statusCode: 301 } }] }],
    });
    for (const name of ["backend", "frontend", "primary"]) {
      expect(JSON.stringify(at(route(name), "parentRefs"))).not.toContain('"http"');
    }
  });

  test("sends /api to the backend and the rest to the frontend", () => {
    expect(at(route("backend"), "rules")).toEqual([
      {
        matches: [{ path: { type: "PathPrefix", value: "/api" } }],
        backendRefs: [{ name: "backend", port: 3000 }],
      },
    ]);
    expect(at(route("frontend"), "rules")).toEqual([
      {
        matches: [{ path: { type: "PathPrefix", value: "/" } }],
        backendRefs: [{ name: "frontend", port: 8080 }],
      },
    ]);
  });

  test("answers on the region's own name to /primary alone", () => {
    const regional = all(graph, "HTTPRoute").filter(({ inputs }) =>
      JSON.stringify(at(inputs, "spec", "hostnames")).includes("north.acme.test"),
    );
    expect(regional.map(({ inputs }) => at(inputs, "spec", "rules", 0, "matches"))).toEqual([
      [{ path: { type: "Exact", value: "/primary" } }],
    ]);
  });

  test("waits until the controller serves the Gateway and every route", () => {
    const waits = (kind: string) =>
      all(graph, kind).map(({ inputs }) =>
        at(inputs, "metadata", "annotations", "pulumi.com/waitFor"),
      );
    expect(waits("Gateway")).toEqual(["condition=Programmed"]);
    for (const wait of waits("HTTPRoute")) expect(wait).toContain("conditions[0].status}=True");
  });

  test("is reached where its controller says, unless the configuration knows better", async () => {
    expect(address).toBe("gateway.invalid");
    expect((await gateway({ address: "192.0.2.9" })).address).toBe("192.0.2.9");
  });
});

describe("Monitoring", () => {
  test("scrapes backend, frontend and database by their Services", async () => {
    const graph = await declare(() => new Monitoring("it", monitoringArgs));
    const selected = all(graph, "ServiceMonitor").map(({ inputs }) =>
      at(inputs, "spec", "selector", "matchLabels", "app.kubernetes.io/component"),
    );
    expect(selected).toEqual(["backend", "frontend", "database"]);
  });

  test("gives every object the labels that Prometheus selects by, beside its own", async () => {
    const graph = await declare(() => new Monitoring("it", monitoringArgs));
    const objects = [...all(graph, "ServiceMonitor"), only(graph, "PrometheusRule")];
    for (const { inputs } of objects) {
      expect(at(inputs, "metadata", "labels")).toMatchObject({
        release: "watch",
        "app.kubernetes.io/part-of": "acme",
      });
    }
  });

  test("gives every alert a severity and a page to open", async () => {
    const graph = await declare(() => new Monitoring("it", monitoringArgs));
    const rules = at(only(graph, "PrometheusRule").inputs, "spec", "groups", 0, "rules");
    expect(rules).not.toEqual([]);
    for (const rule of rules as unknown[]) {
      expect(at(rule, "labels", "severity")).toMatch(/^(page|ticket)$/);
      expect(at(rule, "annotations", "runbook_url")).toMatch(
        /^https:\/\/runbooks\.acme\.test\/pages\/[a-z-]+\.md$/,
      );
    }
  });
});
