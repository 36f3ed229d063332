import { judgeChain, tlsSecret } from "../../../rehearsal/checks/certificates.ts";
import {
  redirectsToHttps,
  refusesOldTls,
  verifiedHttps,
} from "../../../rehearsal/checks/gateway.ts";
import { createAuthority } from "../../../rehearsal/regions/pki.ts";
import type { KeyPair } from "../../../rehearsal/regions/pki.ts";
import { expectOutcome, regionWith } from "./fake-cluster.ts";

import {
  authority,
  certificateFor,
  host,
  leaf,
  page,
  regionServing,
  regionServingPlain,
  subject,
} from "./local-gateway.ts";

describe("verifiedHttps", () => {
  test("passes with a certificate of the authority for the host", async () => {
    const result = await verifiedHttps(await regionServing(page), subject);
    expect(result).toMatchObject({
      status: "passed",
      measured: "200 over TLSv1.3, certificate for DNS:gravl.lifeline.test",
    });
  });

  test("fails when the certificate is from an authority nobody trusts", async () => {
    const stranger = await createAuthority("Stranger");
    const pair = await certificateFor(host, 90, stranger);
    const result = await verifiedHttps(await regionServing(page, { pair }), subject, 0.6);
    expectOutcome(result, "failed", /unable to/);
  });

  test("fails when the certificate is for another host", async () => {
    const pair = await certificateFor("other.lifeline.test", 90);
    const result = await verifiedHttps(await regionServing(page, { pair }), subject, 0.6);
    expectOutcome(result, "failed", /does not match/);
  });

  test("fails when the certificate is expired", async () => {
    const pair = await certificateFor(host, -1);
    const result = await verifiedHttps(await regionServing(page, { pair }), subject, 0.6);
    expectOutcome(result, "failed", /expired/);
  });

  test("fails when the gateway answers with an error", async () => {
    const region = await regionServing((_, response) => response.writeHead(502).end());
    expect(await verifiedHttps(region, subject, 0.6)).toMatchObject({ status: "failed" });
  });

  test("fails when nothing listens", async () => {
    const result = await verifiedHttps(regionWith({}, { httpsPort: 1 }), subject, 0.6);
    expectOutcome(result, "failed", /ECONNREFUSED/);
  });
});

describe("redirectsToHttps", () => {
  test.each([
    ["passed", 301, `https://${host}/`],
    ["passed", 308, `https://${host}/`],
    ["failed", 200, ""],
    ["failed", 302, `https://${host}/`],
    ["failed", 301, `http://${host}/`],
    ["failed", 301, "https://elsewhere.test/"],
  ])("is %s for %i %s", async (status, code, location) => {
    const region = await regionServingPlain((_, response) =>
      response.writeHead(code, { location }).end(),
    );
    const result = await redirectsToHttps(region, subject);
    expect(result).toMatchObject({ status });
  });
});

describe("refusesOldTls", () => {
  test("passes when the server refuses TLS 1.1", async () => {
    const result = await refusesOldTls(await regionServing(page), subject);
    expect(result).toMatchObject({ status: "passed" });
  });

  test("fails when the server accepts TLS 1.1", async () => {
    const region = await regionServing(page, { oldTls: true });
    const result = await refusesOldTls(region, subject);
    expect(result).toMatchObject({ status: "failed", measured: "accepted TLSv1.1" });
  });

  test("fails when nothing listens: no answer is no refusal", async () => {
    const result = await refusesOldTls(regionWith({}, { httpsPort: 1 }), subject);
    expect(result).toMatchObject({ status: "failed" });
  });
});

describe("tlsSecret", () => {
  const chainOf = (pair: KeyPair, at = new Date()) =>
    judgeChain({
      chain: pair.certificate,
      key: pair.key,
      host,
      authority: authority.certificate,
      at,
    });

  test("passes for the secret that holds the right chain", async () => {
    const encode = (text: string) => Buffer.from(text).toString("base64");
    const data = { "tls.crt": encode(leaf.certificate), "tls.key": encode(leaf.key) };
    const objects = {
      secrets: [{ metadata: { name: "gravl-tls", namespace: subject.namespace }, data }],
    };
    expect(await tlsSecret(regionWith({ objects }), subject)).toMatchObject({ status: "passed" });
  });

  test("fails when the secret is not there", async () => {
    expect(await tlsSecret(regionWith({}), subject)).toMatchObject({ status: "failed" });
  });

  test.each([
    ["another host", async () => chainOf(await certificateFor("other.test", 90)), /not for gravl/],
    [
      "another authority",
      async () => chainOf(await certificateFor(host, 90, await createAuthority("Test authority"))),
      /not signed by/,
    ],
    ["the past", () => chainOf(leaf, new Date(Date.now() + 91 * 86_400_000)), /not valid now/],
    [
      "another key",
      async () =>
        chainOf({ certificate: leaf.certificate, key: (await certificateFor(host, 90)).key }),
      /key belongs to another/,
    ],
  ])("fails for a certificate of %s", async (_, judge, detail) => {
    const finding = await judge();
    expect(finding.ok).toBe(false);
    expect(finding.detail).toMatch(detail);
  });
});
