import * as pulumi from "@pulumi/pulumi";

import { expectOnly, refused, table } from "../support/refusals.ts";
import { changed, releaseText, stackConfig } from "../support/stack-files.ts";

const production = stackConfig("production");
const local = stackConfig("local");
const v1 = releaseText("v1.0.0");
const releases = { "v1.0.0": v1 };

describe("a stack file is refused for", () => {
  test.each(table("bad-settings.txt"))(
    "%s",
    (_, change = "", field, value, allowed = "", fix = "") => {
      const [, path = "", json = ""] = /^(\S+(?: \S+"\])?) =(?: (.*))?$/.exec(change) ?? [];
      expectOnly(
        refused(
          changed(production, keys(path), json === "" ? undefined : JSON.parse(json)),
          releases,
        ),
        {
          field: field === "." ? `lifeline:${path}` : (field ?? ""),
          value: value === "." ? json : (value ?? ""),
          allowed,
          fix,
        },
      );
    },
  );

  test("every problem at once, in the stack file and in its release", () => {
    const config = changed(changed(production, ["product"]), ["dns", "ttlSeconds"], 5);
    const error = refused(changed(config, ["peering", "kind"], "vpn"), {
      "v1.0.0": v1.replace("target: 1", "target: 3"),
    });
    expect(error.problems.map(({ field }) => field)).toEqual([
      "lifeline:product",
      "lifeline:peering.kind",
      "lifeline:dns.ttlSeconds",
      "releases/v1.0.0.yaml: schema.target",
    ]);
    expect(error.message).toContain("Pulumi.production.yaml: 4 problems");
  });

  test("registry credentials that are not a Docker configuration, without showing them", () => {
    expectOnly(refused({ ...local, registryCredentials: "hunter2" }, releases), {
      field: "lifeline:registryCredentials",
      value: "(not shown)",
      allowed: '{"auths"',
      fix: "pulumi config set --secret registryCredentials",
    });
  });

  test.each(Object.keys(production))(
    "lifeline:%s without showing anything of it while it is encrypted",
    (key) => {
      const paths = leaves(production[key])
        // An annotation may be any text.
        .filter((path) => !path.includes("annotations"))
        .map((path) => [key, ...path]);
      const wrong = paths.map((path) => changed(production, path, "CANARY 7f3"));
      const nested = changed(production, [key], {
        inner: ["CANARY 7f3"],
        outer: { a: "CANARY 7f3" },
      });
      for (const config of [...wrong, nested]) {
        const { problems, message } = refused({ ...config, unknown: "shown" }, releases, [key]);
        expect(problems.map(({ field }) => field)).toContainEqual(
          expect.stringContaining(`lifeline:${key}`),
        );
        expect(message).not.toContain("CANARY");
        expect(message).toContain('"shown"');
      }
    },
  );

  const smaller = { storage: "50Gi", from: { latest: true } };
  test.each<[string, (string | number)[], unknown, string]>([
    ["postgres", ["postgres", "generations", 1], smaller, "50Gi"],
    ["limits", ["limits", "max", "memory"], "6Gi", "6Gi"],
    ["regions", ["activeRegion"], "eu-north-2", "eu-north-1"],
    ["release", ["release"], "v1.0.1", "v1.0.1"],
  ])(
    "a value that does not go with the encrypted lifeline:%s, without telling it",
    (key, path, value, secret) => {
      const { message } = refused(changed(production, path, value), releases, [key]);
      expect(message).toContain("1 problem");
      expect(message).not.toContain(secret);
      expect(message).toContain("(not shown)");
    },
  );

  test("an authority that no certificate is checked by", () => {
    const pem = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n";
    expectOnly(refused(changed(production, ["backups", "storageCa"], pem), releases), {
      field: "lifeline:backups.storageCa",
      value: JSON.stringify(pem),
      allowed: "S3 of AWS",
      fix: "archive.endpoint",
    });
  });

  const complete = { accessKey: "hunter2", secretKey: "hunter2" };
  const holders = { own: complete, peer: complete, proof: complete, reports: complete };

  test.each([
    ["that are no object", "hunter2"],
    ["of one region alone", { "eu-north-1": holders }],
    ["without those of a holder", { "eu-north-1": holders, "eu-west-1": { own: complete } }],
    [
      "with a line break, which would begin another setting",
      {
        "eu-north-1": holders,
        "eu-west-1": { ...holders, proof: { accessKey: "hunter2", secretKey: "a\nhunter2" } },
      },
    ],
  ])("keys of archives %s, without showing them", (_, archiveCredentials) => {
    const error = refused({ ...local, archiveCredentials }, releases);
    expectOnly(error, {
      field: "lifeline:archiveCredentials",
      value: "(not shown)",
      allowed: "own, peer, proof, reports",
      fix: "pulumi config set --secret archiveCredentials",
    });
    expect(error.message).not.toContain("hunter2");
  });

  test("any release when there is none", () => {
    expectOnly(refused(production, {}), {
      field: "lifeline:release",
      value: '"v1.0.0"',
      allowed: "there is none",
      fix: "add releases/v1.0.0.yaml",
    });
  });

  test("an error that the engine prints without a stack trace", () => {
    expect(pulumi.RunError.isInstance(refused(production, {}))).toBe(true);
  });
});

describe("a release is refused for", () => {
  const digest = /(?<=backend@sha256:)\w+/.exec(v1)?.[0] ?? "";

  test.each(table("bad-releases.txt"))("%s", (_, text = "", other = "", ...refusal) => {
    const [field = "", value = "", allowed = "", fix = ""] = refusal;
    const found = text.replace("DIGEST", digest);
    expect(v1).toContain(found);
    const error = refused(production, { "v1.0.0": v1.replace(found, other) });
    expectOnly(error, { field: `releases/v1.0.0.yaml: ${field}`, value, allowed, fix });
    expect(error.message).not.toMatch(/hunter2|31337/);
  });

  test.each([
    ["an empty file", "", "(empty)"],
    ["only a comment", "# later\n", "(empty)"],
    ["a text that is no YAML object", "v1.0.0\n", '"v1.0.0"'],
    ["a list", "- v1.0.0\n", "a list of 1"],
  ])("%s", (_, text, value) => {
    expectOnly(refused(production, { "v1.0.0": text }), {
      field: "releases/v1.0.0.yaml",
      value,
      allowed: "an object with named keys",
      fix: "write an object",
    });
  });

  test.each([
    ["braces that never close", "{ version: v1.0.0\n"],
    ["two documents", `${v1}---\n${v1}`],
    ["an alias to nothing", v1.replace("info", "*level")],
    ["a tag that nobody knows", v1.replace("info", "!env LEVEL")],
  ])("%s, naming the line", (_, text) => {
    const [problem] = refused(production, { "v1.0.0": text }).problems;
    expect(problem).toMatchObject({
      field: expect.stringMatching(/^releases\/v1\.0\.0\.yaml: line \d+$/) as string,
      allowed: "one YAML document without aliases, each key once, indented by spaces",
    });
  });
});

/** `backend.resources`, `regions[1].name` and `podLabels["my app"]` as keys. */
function keys(path: string): (string | number)[] {
  return [...path.matchAll(/\["(.+?)"\]|\[(\d+)\]|([\w-]+)/g)].map(
    ([, quoted, index, word]) => quoted ?? (index === undefined ? (word ?? "") : Number(index)),
  );
}

/** The path of every scalar. */
function leaves(value: unknown): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [[]];
  return Object.entries(value).flatMap(([key, inner]) =>
    leaves(inner).map((path) => [Array.isArray(value) ? Number(key) : key, ...path]),
  );
}
