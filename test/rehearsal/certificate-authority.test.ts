import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach } from "@jest/globals";
import { fulfil, openCertificateAuthority } from "../../rehearsal/certificate-authority.ts";
import { judgeChain } from "../../rehearsal/checks/certificates.ts";
import type { Cluster, Method } from "../../rehearsal/checks/cluster.ts";
import { createAuthority, issue } from "../../rehearsal/regions/pki.ts";
import type { KeyPair } from "../../rehearsal/regions/pki.ts";

const host = "gravl.lifeline.test";
const secretPath = "/api/v1/namespaces/gravl-local/secrets/gravl-tls";
const certificatePath =
  "/apis/cert-manager.io/v1/namespaces/gravl-local/certificates/gravl-tls/status";
const issuerPath = "/apis/cert-manager.io/v1/clusterissuers/gravl-local/status";

interface Stored {
  data?: Record<string, string>;
}

/** A cluster with one issuer and one certificate that keeps what is written to it. */
function clusterWith({ generation = 1, dnsNames = [host], issuer = "gravl-local" } = {}) {
  const secrets = new Map<string, Stored>();
  const conditions = new Map<string, unknown[]>();
  const written: { method: Method; path: string }[] = [];
  const state = { generation, dnsNames, reachable: true };
  const cluster: Cluster = {
    context: "fake",
    exec: () => Promise.reject(new Error("no exec in this fake")),
    request(method, path, body) {
      if (!state.reachable) return Promise.reject(new Error("connect ETIMEDOUT"));
      const [plain = ""] = path.split("?");
      const answer = (content: unknown, status = 200) =>
        Promise.resolve({ status, body: JSON.stringify(content) });
      if (method === "PATCH") {
        written.push({ method, path });
        if (plain.includes("/secrets/")) secrets.set(plain, body as Stored);
        else
          conditions.set(plain, (body as { status: { conditions: unknown[] } }).status.conditions);
        return answer({});
      }
      const metadata = { namespace: "gravl-local", generation: state.generation };
      if (plain.endsWith("/clusterissuers")) {
        const status = { conditions: conditions.get(issuerPath) ?? [] };
        return answer({ items: [{ metadata: { name: issuer, generation: 1 }, status }] });
      }
      if (plain.endsWith("/certificates")) {
        const spec = {
          secretName: "gravl-tls",
          dnsNames: state.dnsNames,
          issuerRef: { kind: "ClusterIssuer", name: "gravl-local" },
        };
        const status = { conditions: conditions.get(certificatePath) ?? [] };
        return answer({ items: [{ metadata: { ...metadata, name: "gravl-tls" }, spec, status }] });
      }
      const secret = secrets.get(plain);
      return secret === undefined ? answer({}, 404) : answer(secret);
    },
  };
  return { cluster, secrets, conditions, written, state };
}

const decode = (secret: Stored | undefined, key: string) =>
  Buffer.from(secret?.data?.[key] ?? "", "base64").toString();
const names = (secret: Stored | undefined) =>
  new X509Certificate(decode(secret, "tls.crt")).subjectAltName;

describe("fulfil", () => {
  let authority: KeyPair;
  beforeEach(async () => {
    authority = await createAuthority("Test authority");
  });

  test("issues a certificate that clients of the authority accept, and marks it ready", async () => {
    const { cluster, secrets, conditions } = clusterWith({ generation: 3 });
    await fulfil(cluster, authority);
    const secret = secrets.get(secretPath);
    const verdict = judgeChain({
      chain: decode(secret, "tls.crt"),
      key: decode(secret, "tls.key"),
      host,
      authority: authority.certificate,
      at: new Date(),
    });
    expect(verdict).toMatchObject({ ok: true, detail: "" });
    expect(secret).toMatchObject({ type: "kubernetes.io/tls" });
    expect(decode(secret, "ca.crt")).toBe(authority.certificate);
    expect(conditions.get(certificatePath)).toMatchObject([
      { type: "Ready", status: "True", observedGeneration: 3 },
    ]);
    expect(conditions.get(issuerPath)).toMatchObject([{ type: "Ready", status: "True" }]);
  });

  test("writes nothing when everything is in place", async () => {
    const { cluster, written } = clusterWith();
    await fulfil(cluster, authority);
    const before = written.length;
    await fulfil(cluster, authority);
    expect(written).toHaveLength(before);
  });

  test("issues again when the names change", async () => {
    const { cluster, secrets, state, conditions } = clusterWith();
    await fulfil(cluster, authority);
    Object.assign(state, { dnsNames: ["new.lifeline.test", host], generation: 2 });
    await fulfil(cluster, authority);
    expect(names(secrets.get(secretPath))).toBe(`DNS:new.lifeline.test, DNS:${host}`);
    expect(conditions.get(certificatePath)).toMatchObject([{ observedGeneration: 2 }]);
  });

  test.each([
    ["runs out within 30 days", (by: KeyPair) => leafOf(by, 29)],
    ["is from another authority", async () => leafOf(await createAuthority("Other"), 90)],
    ["is not a certificate", () => Promise.resolve({ certificate: "x", key: "y" })],
  ])("issues again when the one in place %s", async (_, make) => {
    const { cluster, secrets } = clusterWith();
    const old = await make(authority);
    const encode = (text: string) => Buffer.from(text).toString("base64");
    secrets.set(secretPath, {
      data: { "tls.crt": encode(old.certificate), "tls.key": encode(old.key) },
    });
    await fulfil(cluster, authority);
    expect(decode(secrets.get(secretPath), "tls.crt")).not.toBe(old.certificate);
  });

  test("leaves certificates of other issuers alone", async () => {
    const { cluster, secrets } = clusterWith({ issuer: "somebody-else" });
    await fulfil(cluster, authority);
    expect(secrets.size).toBe(0);
  });

  test("asks only for what the program made", async () => {
    const paths: string[] = [];
    const { cluster } = clusterWith();
    const watched: Cluster = {
      ...cluster,
      request: (method, path, body) => {
        paths.push(path);
        return cluster.request(method, path, body);
      },
    };
    await fulfil(watched, authority);
    const listed = paths.filter((path) => /(clusterissuers|certificates)\?/.test(path));
    expect(listed).toHaveLength(2);
    for (const path of listed) expect(path).toContain("managed-by%3Dlifeline");
  });
});

const leafOf = (authority: KeyPair, days: number) =>
  issue({ authority, commonName: host, dnsNames: [host], usages: ["server"], days });

describe("openCertificateAuthority", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lifeline-authority-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const silent = (): void => undefined;

  test("is the same authority after a restart, and only its owner can read it", async () => {
    const first = await openCertificateAuthority(folder, [], silent);
    const second = await openCertificateAuthority(folder, [], silent);
    expect(second.certificate).toBe(first.certificate);
    expect(statSync(join(folder, "certificate-authority.json")).mode & 0o777).toBe(0o600);
  });

  test("fulfils while it runs, survives a cluster out of reach, and stops", async () => {
    const { cluster, secrets, state } = clusterWith();
    const troubles: string[] = [];
    state.reachable = false;
    const authority = await openCertificateAuthority(folder, [cluster], (it) => troubles.push(it));
    authority.start();
    await sleep(700);
    expect(troubles).toEqual(["fake: connect ETIMEDOUT"]);
    state.reachable = true;
    await sleep(700);
    expect(secrets.has(secretPath)).toBe(true);
    await authority.stop();
    secrets.clear();
    await sleep(400);
    expect(secrets.size).toBe(0);
  });
});
