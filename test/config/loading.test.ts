import * as pulumi from "@pulumi/pulumi";

import { ConfigError, loadConfig, loadSecrets } from "../../config.ts";
import { changed, stackConfig, useConfig } from "../support/stack-files.ts";
import { registered, runAs } from "../support/stack-run.ts";

describe("loading", () => {
  const production = stackConfig("production");

  test.each([
    ["an unknown key", changed(production, ["hots"], "x"), "lifeline:hots", 'did you mean "host"?'],
    ["a wrong type", changed(production, ["backups"], "daily"), "lifeline:backups", "named keys"],
    [
      "an unknown release",
      changed(production, ["release"], "v9.9.9"),
      "lifeline:release",
      "v1.0.0",
    ],
    ["text that is nearly JSON", changed(production, ["dns"], "{ttl"), "lifeline:dns", "{ttl"],
    ["nothing at all", {}, "lifeline:product", "(missing)"],
  ])("refuses %s before any resource is registered", async (_, config, field, told) => {
    registered.length = 0;
    const program = runAs("production", config, () => {
      loadConfig();
      return new pulumi.ComponentResource("test:index:Never", "never");
    });
    const error = await program.catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toContain(field);
    expect((error as Error).message).toContain(told);
    await pulumi.runtime.disconnect();
    expect(registered).toEqual([]);
  });

  test.each([
    ["an unknown key", { ...production, hots: "canary-7f3" }, "hots"],
    ["an unknown key with a dot", { ...production, "a.b": "canary-7f3" }, "a.b"],
    ["a wrong value", { ...production, host: "canary-7f3 " }, "host"],
    [
      "a wrong value within a section",
      changed(production, ["dns", "ttlSeconds"], "canary-7f3"),
      "dns",
    ],
  ])("never shows %s that was set with --secret", async (_, config, key) => {
    const program = runAs("production", {}, () => {
      useConfig(config, [key]);
      return loadConfig();
    });
    const { message } = await program.then(
      () => new Error("accepted"),
      (reason: unknown) => reason as Error,
    );
    expect(message).toContain(key);
    expect(message).not.toContain("canary-7f3");
  });

  test("hands on a time that nothing quoted as it was written, not as the engine's YAML has it", async () => {
    const { postgres } = production as { postgres: { generations: object[] } };
    const generations = [
      ...postgres.generations,
      { ...postgres.generations[0], from: { time: "2026-11-21 17:02:09.976 +0000 UTC" } },
    ];
    const config = await runAs(
      "production",
      {
        ...changed(production, ["postgres", "generations"], generations),
        quota: { ...(production["quota"] as object), storage: "64Ti" },
        change: { release: "v1.0.0", acceptLoss: "2026-11-21 17:02:09.976 +0000 UTC" },
      },
      () => loadConfig(),
    );
    expect(config.postgres.generations.at(-1)?.from?.time).toBe("2026-11-21T17:02:09.976Z");
    expect(config.change?.acceptLoss).toBe("2026-11-21T17:02:09.976Z");
  });

  test("reads only its own namespace", async () => {
    const config = await runAs("production", production, () => {
      pulumi.runtime.setAllConfig({
        ...pulumi.runtime.allConfig(),
        "aws:region": "eu-north-1",
        "lifelines:host": "x",
      });
      return loadConfig();
    });
    expect(config.host).toBe("gravl.example.com");
  });

  test("keeps registry credentials secret and out of the configuration", async () => {
    const credentials = { auths: { "registry.test": { auth: "aHVudGVyMg==" } } };
    const local = { ...stackConfig("local"), archiveCredentials, registryCredentials: credentials };
    const [config, secrets] = await runAs("local", local, loadBoth);
    expect(JSON.stringify(config)).not.toContain("aHVudGVyMg");
    const { registryCredentials } = secrets;
    expect(await pulumi.isSecret(pulumi.output(registryCredentials))).toBe(true);
  });

  test.each(["registryCredentials", "archiveCredentials"])(
    "refuses %s in plain text, without showing them",
    async (key) => {
      const credentials = { auths: { "registry.test": { auth: "canary-5d1" } } };
      const local = {
        ...stackConfig("local"),
        archiveCredentials,
        registryCredentials: credentials,
      };
      const others = ["registryCredentials", "archiveCredentials"].filter((it) => it !== key);
      const { message } = await runAs("local", {}, () => {
        useConfig(local, others);
        return loadConfig();
      }).then(
        () => new Error("accepted"),
        (reason: unknown) => reason as Error,
      );
      expect(message).toContain(`lifeline:${key}`);
      expect(message).toContain("1 problem in");
      expect(message).toContain("in plain text");
      expect(message).toContain(`pulumi config set --secret ${key} < FILE`);
      expect(message).not.toContain("canary-5d1");
    },
  );

  test("has no registry credentials unless they are set", async () => {
    const local = { ...stackConfig("local"), archiveCredentials };
    const [, secrets] = await runAs("local", local, loadBoth);
    expect(secrets.registryCredentials).toBeUndefined();
  });

  test("keeps the archives' keys secret and out of the configuration", async () => {
    const local = { ...stackConfig("local"), archiveCredentials };
    const [config, secrets] = await runAs("local", local, loadBoth);
    expect(JSON.stringify(config)).not.toContain("canary-5d1");
    expect(await pulumi.isSecret(pulumi.output(secrets.archiveCredentials))).toBe(true);
  });

  test("refuses archives that are reached with keys when there are none", async () => {
    const { message } = await runAs("local", stackConfig("local"), loadBoth).then(
      () => new Error("accepted"),
      (reason: unknown) => reason as Error,
    );
    expect(message).toContain("lifeline:archiveCredentials");
    expect(message).toContain("(missing)");
    expect(message).toContain("pulumi config set --secret archiveCredentials");
  });

  test("needs no keys for archives that roles open", async () => {
    const [, secrets] = await runAs("production", production, loadBoth);
    expect(secrets.archiveCredentials).toBeUndefined();
  });
});

const pair = { accessKey: "canary-5d1", secretKey: "canary-5d1" };
const holders = { own: pair, peer: pair, proof: pair, reports: pair };
const archiveCredentials = { "eu-north-1": holders, "eu-west-1": holders };

function loadBoth() {
  const config = loadConfig();
  return [config, loadSecrets(config)] as const;
}
