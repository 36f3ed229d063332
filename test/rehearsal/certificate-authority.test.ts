import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach } from "@jest/globals";
import { fulfil, openCertificateAuthority } from "../../rehearsal/certificate-authority.ts";
import { judgeChain } from "../../rehearsal/checks/certificates.ts";
import { createAuthority, issue } from "../../rehearsal/regions/pki.ts";
import type { Cluster } from "../../rehearsal/checks/cluster.ts";
import type { KeyPair } from "../../rehearsal/regions/pki.ts";
import {
  authorityPath,
  certificatePath,
  clusterWith,
  host,
  issuerPath,
  ownIssuerPath,
  request,
  secretPath,
  type Stored,
} from "./cluster-with-issuers.ts";

const encode = (text: string) => Buffer.from(text).toString("base64");
const asSecret = ({ certificate, key }: KeyPair): Stored => ({
  data: { "tls.crt": encode(certificate), "tls.key": encode(key) },
});
const decode = (secret: Stored | undefined, key: string) =>
  Buffer.from(secret?.data?.[key] ?? "", "base64").toString();
describe("fulfil", () => {
  let authority: KeyPair;
  beforeEach(async () => {
    authority = await createAuthority("Test authority");
  });

  test("issues a certificate that clients of the authority accept, and marks it ready", async () => {
    const { cluster, secrets, conditions, state } = clusterWith();
    state.generation = 3;
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

  test("knows no other authority than its own, and says so on an issuer that asks for one", async () => {
    const { cluster, secrets, conditions } = clusterWith({ authoritySecret: "other-ca" });
    await fulfil(cluster, authority);
    expect(secrets.has(secretPath)).toBe(false);
    expect(conditions.get(issuerPath)).toMatchObject([
      { status: "False", message: expect.stringContaining('secret "other-ca" not found') },
    ]);
  });

  test("writes nothing when everything is in place", async () => {
    const { cluster, written } = clusterWith();
    await fulfil(cluster, authority);
    const before = written.length;
    await fulfil(cluster, authority);
    expect(written).toHaveLength(before);
  });

  const database = {
    commonName: "database",
    dnsNames: ["localhost", "*.postgres-members.gravl-local.svc"],
    ipAddresses: ["10.90.0.1", "127.0.0.1"],
    usages: ["digital signature", "server auth", "client auth"],
    issuerRef: { kind: "Issuer", name: "database-ca" },
  };

  test.each([
    ["names", { dnsNames: ["new.lifeline.test", host] }],
    ["addresses", { ipAddresses: ["10.90.0.1"] }],
    ["common name", { commonName: "other" }],
    ["usages", { usages: ["client auth"] }],
    ["kind of key", { privateKey: { algorithm: "RSA", size: 2048 } }],
    ["size of the key", { privateKey: { algorithm: "ECDSA", size: 384 } }],
  ])("issues again when its %s change, and not a third time", async (_, change) => {
    const { cluster, secrets, state, conditions } = clusterWith();
    await fulfil(cluster, authority);
    const before = decode(secrets.get(secretPath), "tls.crt");
    Object.assign(state, { spec: { ...request, ...change }, generation: 2 });
    await fulfil(cluster, authority);
    const after = decode(secrets.get(secretPath), "tls.crt");
    expect(after).not.toBe(before);
    expect(conditions.get(certificatePath)).toMatchObject([{ observedGeneration: 2 }]);
    await fulfil(cluster, authority);
    expect(decode(secrets.get(secretPath), "tls.crt")).toBe(after);
  });

  test("gives a certificate all that was asked for", async () => {
    const { cluster, secrets } = clusterWith({
      spec: { ...database, issuerRef: request.issuerRef, duration: "48h0m0s", renewBefore: "1h" },
    });
    await fulfil(cluster, authority);
    const leaf = new X509Certificate(decode(secrets.get(secretPath), "tls.crt"));
    expect(leaf.subject).toBe("CN=database");
    expect(leaf.subjectAltName).toBe(
      "DNS:localhost, DNS:*.postgres-members.gravl-local.svc, IP Address:10.90.0.1, IP Address:127.0.0.1",
    );
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    const hours = (leaf.validToDate.getTime() - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(47.9);
    expect(hours).toBeLessThan(48.1);
  });

  test.each([
    [{ algorithm: "ECDSA", size: 256 }, "EC PRIVATE KEY"],
    [{ algorithm: "RSA", size: 2048 }, "RSA PRIVATE KEY"],
    [{ algorithm: "ECDSA", size: 256, encoding: "PKCS8" }, "PRIVATE KEY"],
    [undefined, "RSA PRIVATE KEY"],
  ])("writes the key as cert-manager does: %j", async (privateKey, header) => {
    const { cluster, secrets } = clusterWith({ spec: { privateKey } });
    await fulfil(cluster, authority);
    expect(decode(secrets.get(secretPath), "tls.key")).toContain(`-----BEGIN ${header}-----`);
  });

  test("signs with the authority in an Issuer's own Secret, once it is there", async () => {
    const { cluster, secrets, conditions } = clusterWith({ spec: database });
    await fulfil(cluster, authority);
    expect(secrets.has(secretPath)).toBe(false);
    expect(conditions.get(ownIssuerPath)).toMatchObject([
      { status: "False", reason: "ErrGetKeyPair" },
    ]);
    const own = await createAuthority("Private");
    secrets.set(authorityPath, asSecret(own));
    await fulfil(cluster, authority);
    expect(conditions.get(ownIssuerPath)).toMatchObject([{ type: "Ready", status: "True" }]);
    const leaf = new X509Certificate(decode(secrets.get(secretPath), "tls.crt"));
    expect(leaf.verify(new X509Certificate(own.certificate).publicKey)).toBe(true);
    expect(decode(secrets.get(secretPath), "ca.crt")).toBe(own.certificate);
  });

  test.each(["rsa", "ec"] as const)(
    "can sign with an authority whose key is of type %s",
    async (type) => {
      const { cluster, secrets } = clusterWith({ spec: database });
      secrets.set(authorityPath, asSecret(privateAuthority(type)));
      await fulfil(cluster, authority);
      const leaf = new X509Certificate(decode(secrets.get(secretPath), "tls.crt"));
      const issuer = new X509Certificate(decode(secrets.get(authorityPath), "tls.crt"));
      expect(leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey)).toBe(true);
    },
  );

  test.each([
    ["has a third of its life left", true, (by: KeyPair) => leafOf(by, 31)],
    ["runs out within 30 days", false, (by: KeyPair) => leafOf(by, 29)],
    ["is from another authority", false, async () => leafOf(await createAuthority("Other"), 90)],
    [
      "is not a certificate",
      false,
      (by: KeyPair) => Promise.resolve({ certificate: by.certificate, key: "y" }),
    ],
  ])("judges one in place that %s; kept: %s", async (_, kept, make) => {
    const { cluster, secrets } = clusterWith();
    const old = await make(authority);
    const { data } = asSecret(old);
    secrets.set(secretPath, { data: { ...data, "ca.crt": encode(authority.certificate) } });
    await fulfil(cluster, authority);
    expect(decode(secrets.get(secretPath), "tls.crt") === old.certificate).toBe(kept);
  });

  test("says what it does not understand", async () => {
    const { cluster } = clusterWith({ spec: { privateKey: { algorithm: "Ed25519" } } });
    await expect(fulfil(cluster, authority)).rejects.toThrow("must be RSA or ECDSA");
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
    const listed = paths.filter((path) => /(clusterissuers|issuers|certificates)\?/.test(path));
    expect(listed).toHaveLength(3);
    for (const path of listed) expect(path).toContain("managed-by%3Dlifeline");
  });
});

/** An authority as other programs make them: openssl's own forms of keys. */
function privateAuthority(type: "rsa" | "ec"): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), "lifeline-authority-"));
  try {
    const newKey = type === "rsa" ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"];
    const files = { certificate: join(folder, "crt"), key: join(folder, "key") };
    const out = ["-keyout", files.key, "-out", files.certificate];
    const request = [
      "req",
      "-x509",
      "-nodes",
      "-subj",
      "/CN=Private",
      "-newkey",
      ...newKey,
      ...out,
    ];
    execFileSync("openssl", request, { stdio: "pipe" });
    return {
      certificate: readFileSync(files.certificate, "utf8"),
      key: readFileSync(files.key, "utf8"),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

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
    while (troubles.length === 0) await sleep(10);
    state.reachable = true;
    while (!secrets.has(secretPath)) await sleep(10);
    expect(troubles).toEqual(["fake: connect ETIMEDOUT"]);
    await authority.stop();
    secrets.clear();
    await sleep(400);
    expect(secrets.size).toBe(0);
  });
});
