import { spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { repository } from "../../rehearsal/paths.ts";
import { issue } from "../../rehearsal/regions/pki.ts";

const script = readFileSync(join(repository, "gates/private-ca.mjs"), "utf8");

/** As the program runs it: the script comes by standard input. */
const run = (environment: Record<string, string>) =>
  spawnSync(process.execPath, ["--input-type=module", "-"], {
    input: script,
    env: environment,
    encoding: "utf8",
  });

describe("private-ca", () => {
  const made = JSON.parse(run({ CA_NAME: "acme database" }).stdout) as {
    certificate: string;
    privateKey: string;
  };
  const certificate = new X509Certificate(made.certificate);

  test("is an authority that signed itself, with the key that comes with it", () => {
    expect(certificate.subject).toBe("CN=acme database");
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(made.privateKey))).toBe(true);
  });

  test("is valid from yesterday on, for twenty years", () => {
    const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    expect(from).toBeLessThan(Date.now());
    expect((to - from) / (365 * 24 * 60 * 60 * 1000)).toBeCloseTo(20, 1);
  });

  test("signs certificates that are trusted by it alone", async () => {
    const { certificate: issued } = await issue({
      authority: { certificate: made.certificate, key: made.privateKey },
      commonName: "database",
      dnsNames: ["postgres"],
      usages: ["server"],
      days: 1,
    });
    const leaf = new X509Certificate(issued);
    expect(leaf.checkIssued(certificate)).toBe(true);
    expect(leaf.verify(certificate.publicKey)).toBe(true);
  });

  test("is another one each time", () => {
    const { stdout } = run({ CA_NAME: "acme database" });
    expect(stdout).toContain("BEGIN CERTIFICATE");
    expect((JSON.parse(stdout) as typeof made).certificate).not.toBe(made.certificate);
  });

  test("fails without a name", () => {
    const { status, stderr, stdout } = run({});
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("private-ca: CA_NAME is not set");
  });
});
