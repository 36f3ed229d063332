import { generatedSecrets, givenSecrets } from "../../rehearsal/generated-secrets.ts";
import { type FakeObject, regionWith } from "./checks/fake-cluster.ts";

const namespace = "gravl-local";
const long = (letter: string) => letter.repeat(32);

const secret = (name: string, values: Readonly<Record<string, string>>): FakeObject => ({
  metadata: { name, namespace },
  data: Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  ),
});

const found = (...secrets: FakeObject[]) =>
  generatedSecrets([regionWith({ objects: { secrets } })], namespace);

describe("secrets that the search for leaks looks for", () => {
  it("are the values of every Secret of the namespace, whatever its name", async () => {
    const password = secret("postgres-secret", { POSTGRES_PASSWORD: long("p") });
    const token = secret("app-secret-2f1a", { JWT_SECRET: long("j") });
    expect(await found(password, token)).toEqual([long("p"), long("j")]);
  });

  it("are each setting of a file: cipher key and key of S3, but not the name of its account", async () => {
    const lines = [
      "[global]",
      `repo1-cipher-pass=${long("c")}`,
      "repo1-s3-key=AOWN0123456789ABCDEF",
      `repo1-s3-key-secret=${long("s")}=`,
    ];
    const archive = secret("archive-own", { "secrets.conf": `${lines.join("\n")}\n` });
    expect(await found(archive)).toEqual([long("c"), `${long("s")}=`]);
    const reports = secret("archive-reports", {
      "access-key": "AREPORTS0123456789ABCDEF",
      "secret-key": long("r"),
    });
    expect(await found(reports)).toEqual([long("r")]);
  });

  it("are private keys, but no certificates", async () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${long("k")}\nabc=\n-----END PRIVATE KEY-----`;
    const certificate = `-----BEGIN CERTIFICATE-----\n${long("x")}\n-----END CERTIFICATE-----\n`;
    const tls = secret("gravl-tls", {
      "tls.key": `${key}\n`,
      "tls.crt": certificate,
      "ca.crt": certificate,
    });
    expect(await found(tls)).toEqual([key]);
  });

  it("are the credentials in a Docker configuration, each by itself", async () => {
    const config = JSON.stringify({ auths: { "registry.example": { auth: long("a") } } });
    expect(await found(secret("registry-pull-secret", { ".dockerconfigjson": config }))).toEqual([
      long("a"),
    ]);
  });

  it("are taken whole where they only look like JSON", async () => {
    expect(await found(secret("other", { key: `{${long("b")}` }))).toEqual([`{${long("b")}`]);
  });

  it("are no words that stand everywhere, and each value once", async () => {
    const one = secret("one", { user: "gravl", password: long("p") });
    expect(await found(one, secret("two", { password: long("p") }))).toEqual([long("p")]);
  });

  it("are known before anything runs as far as they are given: registry and S3", () => {
    const pair = (letter: string) => ({ accessKey: `NAME${letter}`, secretKey: long(letter) });
    const accounts = { own: pair("o"), peer: pair("e"), proof: pair("f"), reports: pair("r") };
    const given = givenSecrets("canary-0123456789abcdef", { "eu-north-1": accounts });
    expect(given).toEqual([
      "canary-0123456789abcdef",
      Buffer.from("rehearsal:canary-0123456789abcdef").toString("base64"),
      ...["o", "e", "f", "r"].map(long),
    ]);
  });
});
