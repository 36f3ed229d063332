import { DatabaseCertificates } from "../../components/database-certificates.ts";
import { WritableGate } from "../../components/writable-gate.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { databaseCertificatesArgs, writableGateArgs } from "../support/args.ts";
import { at, declare, environment, objectName, only } from "../support/declare.ts";

describe("DatabaseCertificates", () => {
  test("names everything that the database is reached by, and nothing else", async () => {
    const graph = await declare(() => new DatabaseCertificates("it", databaseCertificatesArgs));
    expect(at(only(graph, "Certificate", "database-tls").inputs, "spec")).toMatchObject({
      secretName: "database-tls",
      commonName: "database",
      dnsNames: [
        "localhost",
        "postgres",
        "postgres.acme-test",
        "postgres.acme-test.svc",
        "*.postgres-members.acme-test.svc",
        "*.postgres-members.acme-test.svc.cluster.local",
        "db.north.acme.test",
        "api.north.acme.test",
      ],
      issuerRef: { kind: "Issuer", name: "database-ca" },
      usages: ["digital signature", "server auth", "client auth"],
    });
    expect(at(only(graph, "Issuer").inputs, "spec")).toEqual({ ca: { secretName: "database-ca" } });
  });

  test("waits for both, the Issuer first", async () => {
    const graph = await declare(() => new DatabaseCertificates("it", databaseCertificatesArgs));
    for (const kind of ["Issuer", "Certificate"]) {
      expect(at(only(graph, kind).inputs, "metadata", "annotations")).toEqual({
        "pulumi.com/waitFor": "condition=Ready",
      });
    }
    expect(graph.dependsOn(only(graph, "Certificate"))).toContain("it-issuer");
  });
});

describe("WritableGate", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await declare(() => new WritableGate("it", writableGateArgs));
  });

  test("ends before the engine gives up on it, and is forgotten rather than deleted", () => {
    const job = only(graph, "Job");
    expect(job.options).toMatchObject({ retainOnDelete: true, createTimeout: "180s" });
    expect(at(job.inputs, "spec")).toMatchObject({ activeDeadlineSeconds: 120, backoffLimit: 0 });
    const [container] = at(job.inputs, "spec", "template", "spec", "containers") as unknown[];
    expect(at(container, "command")).toEqual(["/opt/lifeline/writable.sh"]);
    expect(environment(at(container, "env"))).toMatchObject({
      DEADLINE_SECONDS: "90",
      PGSSLMODE: "verify-full",
    });
  });

  test("is asked again in each turn of the region: the Job of an earlier one answers for nothing", () => {
    expect(objectName(only(graph, "Job"))).toMatch(/^writable-[0-9a-f]{10}-00000000$/);
    // Made with the gate and, since nothing keeps it, made anew with the next one.
    expect(only(graph, "RandomId").options).toMatchObject({ protect: false });
  });
});
