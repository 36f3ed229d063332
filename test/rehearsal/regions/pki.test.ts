import { X509Certificate, createPrivateKey } from "node:crypto";
import { type AddressInfo, connect } from "node:net";
import { connect as connectTls, createServer } from "node:tls";
import { type KeyPair, createAuthority, issue } from "../../../rehearsal/regions/pki.ts";

let authority: KeyPair;
beforeAll(async () => {
  authority = await createAuthority("Test authority");
});

const leaf = (options: Partial<Parameters<typeof issue>[0]> = {}) =>
  issue({
    authority,
    commonName: "server",
    dnsNames: ["server.test"],
    usages: ["server"],
    days: 30,
    ...options,
  });

/** @returns why a client that trusts only `trusted` refuses a server with `pair`; undefined when it does not. */
async function refusal(
  pair: KeyPair,
  trusted: KeyPair,
  servername: string,
): Promise<string | undefined> {
  const server = createServer({ cert: pair.certificate, key: pair.key });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      const client = connectTls({ socket, servername, ca: trusted.certificate }, () => {
        resolve(undefined);
        client.destroy();
      });
      client.on("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code);
      });
    });
  } finally {
    server.close();
  }
}

describe("an authority", () => {
  it("may sign certificates, for ten years", () => {
    const certificate = new X509Certificate(authority.certificate);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.validToDate.getTime()).toBeGreaterThan(Date.now() + 9.9 * 365 * 86_400_000);
  });
});

describe("an issued certificate", () => {
  it("is signed by its authority and may sign nothing itself", async () => {
    const certificate = new X509Certificate((await leaf()).certificate);
    const issuer = new X509Certificate(authority.certificate);
    expect(certificate.checkIssued(issuer)).toBe(true);
    expect(certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
  });

  it("comes with its key, EC P-256", async () => {
    const pair = await leaf();
    const key = createPrivateKey(pair.key);
    expect(new X509Certificate(pair.certificate).checkPrivateKey(key)).toBe(true);
    expect(key.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  });

  it("names user and groups as Kubernetes reads them", async () => {
    const { certificate } = await leaf({
      commonName: "system:node:x",
      organizations: ["system:nodes"],
    });
    expect(new X509Certificate(certificate).subject).toBe("O=system:nodes\nCN=system:node:x");
  });

  it("is valid from a little ago for the days asked for", async () => {
    const { validFromDate, validToDate } = new X509Certificate(
      (await leaf({ days: 30 })).certificate,
    );
    expect(validFromDate.getTime()).toBeLessThan(Date.now());
    expect(Math.round((validToDate.getTime() - Date.now()) / 86_400_000)).toBe(30);
  });

  it("is accepted by a TLS client for its names and addresses", async () => {
    const pair = await leaf({ dnsNames: ["server.test", "*.s3.test"], ips: ["10.90.0.1"] });
    expect(await refusal(pair, authority, "server.test")).toBeUndefined();
    expect(await refusal(pair, authority, "bucket.s3.test")).toBeUndefined();
    expect(new X509Certificate(pair.certificate).checkIP("10.90.0.1")).toBe("10.90.0.1");
  });

  it("is refused for another name, and by who trusts another authority", async () => {
    const pair = await leaf();
    expect(await refusal(pair, authority, "other.test")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(await refusal(pair, await createAuthority("Other"), "server.test")).toBe(
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    );
  });

  it("is for what was asked: a client's is no server's", async () => {
    const client = await leaf({ usages: ["client"] });
    expect(await refusal(client, authority, "server.test")).toBe("INVALID_PURPOSE");
    expect(new X509Certificate(client.certificate).keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  });
});
