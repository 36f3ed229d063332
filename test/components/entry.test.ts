import type { CertificatesArgs } from "../../components/certificates.ts";
import { Certificates } from "../../components/certificates.ts";
import type { GatewayArgs } from "../../components/gateway.ts";
import { Gateway } from "../../components/gateway.ts";
import { Monitoring } from "../../components/monitoring/monitoring.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import type { KubernetesObject } from "../../rehearsal/providers/kubernetes/object.ts";
import { waitForVerdict } from "../../rehearsal/providers/kubernetes/wait-for.ts";
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

  test.each(["ClusterIssuer", "Certificate"])("waits until the %s is ready", async (kind) => {
    const { inputs } = only(await certificates(), kind);
    expect(at(inputs, "metadata", "annotations", "pulumi.com/waitFor")).toBe("condition=Ready");
  });

  test("asks its own issuer for both names", async () => {
    const { inputs } = only(await certificates(), "Certificate");
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
    // A half-made upgrade goes back, within minutes.
    expect(release.inputs).toMatchObject({ atomic: true, timeout: 300 });
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

  test("waits until the controller serves the Gateway", () => {
    const { inputs } = only(graph, "Gateway");
    expect(at(inputs, "metadata", "annotations", "pulumi.com/waitFor")).toBe(
      "condition=Programmed",
    );
  });

  describe.each(["https-redirect", "backend", "frontend", "primary"])(
    "waits for route %s",
    (name) => {
      const sections = () =>
        (at(route(name), "parentRefs") as { sectionName: string }[]).map((it) => it.sectionName);
      const conditions = (accepted: string, resolved: string, observedGeneration: number) => [
        { type: "Accepted", status: accepted, observedGeneration },
        { type: "ResolvedRefs", status: resolved, observedGeneration },
      ];
      /** How far it is when the listeners, in the order of the Gateway, report these. */
      const verdict = (...reports: object[][]) => {
        const { inputs } = only(graph, "HTTPRoute", name);
        const listeners = sections();
        const parents = reports.map((reported, index) => ({
          parentRef: { name: "acme", sectionName: listeners[index] ?? "" },
          conditions: reported,
        }));
        const live = {
          ...inputs,
          metadata: { generation: 2 },
          status: { parents: parents.reverse() },
        };
        const wait = at(inputs, "metadata", "annotations", "pulumi.com/waitFor");
        return waitForVerdict(live as unknown as KubernetesObject, String(wait)).state;
      };
      const served = conditions("True", "True", 2);
      const others = () =>
        sections()
          .slice(1)
          .map(() => served);

      test("until all of its listeners took it, in whichever order they are listed", () => {
        expect(verdict(served, ...others())).toBe("ready");
        expect(verdict(served.toReversed(), ...others())).toBe("ready");
      });

      test.each([
        ["refuses it", conditions("False", "True", 2)],
        ["does not find its backends", conditions("True", "False", 2)],
        ["has not seen its present spec", conditions("True", "True", 1)],
        ["says nothing of its backends", served.slice(0, 1)],
        ["says nothing", []],
      ])("while one of its listeners %s", (_, reported) => {
        expect(verdict(reported, ...others())).toBe("waiting");
        expect(verdict(...others(), reported)).toBe("waiting");
      });

      test("while one of its listeners does not list it", () => {
        expect(verdict(...others())).toBe("waiting");
      });
    },
  );

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
