import type { DatabaseSecretsArgs } from "../../components/database-secrets.ts";
import { DatabaseSecrets } from "../../components/database-secrets.ts";
import { GeneratedSecrets } from "../../components/generated-secrets.ts";
import { PrivateCa } from "../../components/private-ca.ts";
import { scope } from "../support/args.ts";
import { all, at, declare, objectName, only, valueOf } from "../support/declare.ts";

const secrets = (source: DatabaseSecretsArgs["source"]) =>
  declare(() => new DatabaseSecrets("it", { scope, source }));

const generated = {
  mode: "generated",
  authority: { certificate: "hidden-certificate", privateKey: "hidden-key" },
  ownCipherKey: "hidden-own",
  peerCipherKey: "hidden-peer",
} as const;
const pair = { accessKey: "hidden-access", secretKey: "hidden-secret" };
const keys = { own: pair, peer: pair, proof: pair, reports: pair };

describe("DatabaseSecrets", () => {
  test("keeps generated values secret on their way to the engine", async () => {
    const graph = await secrets({ ...generated, keys });
    const files = all(graph, "Secret").map((secret) => [
      objectName(secret),
      secret.inputs["type"],
      secret.inputs["stringData"],
    ]);
    expect(files.sort()).toEqual([
      ["archive-own", "Opaque", { "secrets.conf": "[secret]" }],
      ["archive-peer", "Opaque", { "secrets.conf": "[secret]" }],
      ["archive-proof", "Opaque", { "secrets.conf": "[secret]" }],
      ["archive-reports", "Opaque", { "access-key": "[secret]", "secret-key": "[secret]" }],
      ["database-ca", "kubernetes.io/tls", { "tls.crt": "[secret]", "tls.key": "[secret]" }],
    ]);
    expect(JSON.stringify(graph.resources)).not.toContain("hidden");
  });

  test("has no keys where pods reach S3 by their service account", async () => {
    expect(all(await secrets(generated), "Secret").map(objectName)).not.toContain(
      "archive-reports",
    );
  });

  describe("kept in Secrets Manager", () => {
    const external = {
      mode: "external",
      name: "acme/database",
      region: "eu-west-1",
      peerRegion: "eu-north-1",
    } as const;

    test.each([
      ["archive-own", "cipherKeys.eu-west-1"],
      ["archive-peer", "cipherKeys.eu-north-1"],
      ["archive-proof", "cipherKeys.eu-west-1"],
    ])("%s gets the cipher key of its archive", async (name, property) => {
      const { inputs } = only(await secrets(external), "ExternalSecret", name);
      expect(at(inputs, "spec")).toMatchObject({
        target: {
          name,
          template: {
            data: { "secrets.conf": "[global]\nrepo1-cipher-pass={{ .cipherKey }}\n" },
          },
        },
        data: [{ secretKey: "cipherKey", remoteRef: { key: "acme/database", property } }],
      });
    });

    test("is read once: another authority or cipher key would be another database", async () => {
      const found = all(await secrets(external), "ExternalSecret");
      expect(found).toHaveLength(4);
      for (const { inputs } of found) {
        expect(at(inputs, "spec", "refreshPolicy")).toBe("CreatedOnce");
        expect(at(inputs, "spec", "target", "deletionPolicy")).toBe("Retain");
        expect(at(inputs, "metadata", "annotations")).toEqual({
          "pulumi.com/waitFor": "condition=Ready",
        });
      }
    });
  });
});

describe("PrivateCa", () => {
  test("is made once: nothing that changes about its making makes another one", async () => {
    const graph = await declare(() => new PrivateCa("it", { commonName: "acme database" }));
    const { inputs, options } = only(graph, "Command");
    expect(options.protect).toBe(true);
    // Whatever is an input would run the command again when it changes.
    expect([...options.ignoreChanges].sort()).toEqual(Object.keys(inputs).sort());
  });

  test("shows its key neither in the state nor in a log", async () => {
    const seen: Promise<string>[] = [];
    const graph = await declare(
      () => {
        const { privateKey } = new PrivateCa("it", { commonName: "acme database" });
        seen.push(valueOf(privateKey));
      },
      { generatedSecret: "canary" },
    );
    expect(await seen[0]).toBe("canary");
    expect(JSON.stringify(graph.resources)).not.toContain("canary");
    expect(only(graph, "Command").inputs["logging"]).toBe("none");
  });
});

describe("GeneratedSecrets", () => {
  test("makes a cipher key for the archive of each region, and keeps it", async () => {
    const regions = ["eu-north-1", "eu-west-1"];
    const graph = await declare(() => new GeneratedSecrets("it", { regions }));
    const ciphers = all(graph, "RandomPassword").filter(({ name }) => name.includes("cipher"));
    expect(ciphers.map(({ name }) => name)).toEqual(regions.map((region) => `it-cipher-${region}`));
    for (const { options } of ciphers) expect(options.protect).toBe(true);
  });
});
