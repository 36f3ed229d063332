import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { stringify } from "yaml";
import { readArchive } from "../../rehearsal/archive-file.ts";
import { writeLocalStack } from "../../rehearsal/local-stack.ts";
import { readLocalConfig } from "../../rehearsal/local-config.ts";
import { Problem } from "../../rehearsal/problem.ts";

const names = ["eu-north-1", "eu-west-1"];
const authority = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const secret = "do-not-show-this";

const pair = (name: string) => ({ accessKey: name, secretKey: `${secret}-${name}` });
const accounts = {
  own: pair("own"),
  peer: pair("peer"),
  proof: pair("proof"),
  reports: pair("reports"),
};
const region = (name: string) => ({ endpoint: `s3.${name}.example.com:9000`, accounts });
const complete = {
  bucketPrefix: "gravl",
  authority,
  regions: { "eu-north-1": region("eu-north-1"), "eu-west-1": region("eu-west-1") },
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "archive-file-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function file(content: unknown, mode = 0o600): string {
  const path = join(folder, "archive.yaml");
  writeFileSync(path, typeof content === "string" ? content : stringify(content), { mode });
  chmodSync(path, mode);
  return path;
}

function refusal(content: unknown, mode?: number): string {
  try {
    readArchive(file(content, mode), names, {});
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("an archive file", () => {
  it("becomes the stack's settings and the accounts' keys", () => {
    const archive = readArchive(file(complete), names);
    expect(archive.accounts).toEqual({ "eu-north-1": accounts, "eu-west-1": accounts });
    const stack = writeLocalStack({
      ...{ folder, kubeconfig: "/kubeconfig", contexts: ["a", "b"], images: {} },
      settings: archive.settings,
    });
    const { backups, regions } = readLocalConfig(stack);
    expect(backups).toMatchObject({ bucketPrefix: "gravl", storageCa: authority });
    expect(regions.map(({ archive: at }) => at?.endpoint)).toEqual([
      "s3.eu-north-1.example.com:9000",
      "s3.eu-west-1.example.com:9000",
    ]);
  });

  it("may be JSON, and needs no authority where a public one signed", () => {
    const { bucketPrefix, regions } = complete;
    const { settings } = readArchive(file(JSON.stringify({ bucketPrefix, regions })), names);
    expect(settings).not.toHaveProperty(["backups.storageCa"]);
  });

  it("may name variables in place of keys, and then may be read by anybody", () => {
    const named = (name: string) => ({ accessKey: { env: `ID_${name}` }, secretKey: { env: "S" } });
    const all = {
      own: named("A"),
      peer: named("A"),
      proof: named("A"),
      reports: named("A"),
    };
    const content = {
      bucketPrefix: "gravl",
      regions: {
        "eu-north-1": { endpoint: "s3:9000", accounts: all },
        "eu-west-1": { endpoint: "s3:9000", accounts: all },
      },
    };
    const path = file(content, 0o644);
    const archive = readArchive(path, names, { ID_A: "id", S: secret });
    expect(archive.accounts["eu-west-1"]?.proof).toEqual({ accessKey: "id", secretKey: secret });
    expect(() => readArchive(path, names, { ID_A: "id" })).toThrow(
      /regions\.eu-north-1\.accounts\.own\.secretKey\n +value: +\{env: S\}\n[^]*fix: +set S/,
    );
  });

  it.each([
    ["without a bucket prefix", { ...complete, bucketPrefix: undefined }, "bucketPrefix"],
    ["with an endpoint that has a scheme", at("endpoint", "https://s3:9000"), "host:port"],
    [
      "with a region that the stack lacks",
      { ...complete, regions: { ...complete.regions, "us-east-1": region("x") } },
      "regions.us-east-1",
    ],
    [
      "without one of the stack's regions",
      { ...complete, regions: { "eu-north-1": region("x") } },
      "regions.eu-west-1",
    ],
    ["without an account", at("accounts", { ...accounts, proof: undefined }), "accounts.proof"],
    [
      "with a key of two lines",
      at("accounts", { ...accounts, own: { accessKey: "a", secretKey: `${secret}\nx` } }),
      "own.secretKey",
    ],
    [
      "with a key where an account belongs",
      at("accounts", { ...accounts, own: secret }),
      "accounts.own",
    ],
    [
      "with an account nobody knows",
      at("accounts", { ...accounts, owner: pair("x") }),
      'did you mean "own"',
    ],
    [
      "with another file in place of the authority",
      { ...complete, authority: "none" },
      "certificates in PEM",
    ],
    ["that is no YAML", `bucketPrefix: "gravl\nsecretKey: ${secret}`, "is no YAML"],
    ["that is empty", "", "the whole file"],
  ])("%s is refused by field, and no key is shown", (_name, content, told) => {
    const message = refusal(content);
    expect(message).toContain(told);
    expect(message).toMatch(/^--archive .*archive\.yaml: /);
    expect(message).not.toContain(secret);
  });

  it("that holds keys and that others can read is refused, with the way to change it", () => {
    expect(refusal(complete, 0o640)).toMatch(/\(mode 640\)\. Fix: chmod 600 /);
  });

  it("that is not there is refused by name", () => {
    expect(() => readArchive(join(folder, "none.yaml"), names)).toThrow(/none\.yaml: .*ENOENT/);
  });
});

function at(field: string, value: unknown) {
  const changed = { ...region("eu-north-1"), [field]: value };
  return { ...complete, regions: { ...complete.regions, "eu-north-1": changed } };
}
