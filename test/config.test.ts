import { readFileSync } from "node:fs";
import { join } from "node:path";

import {
  ConfigError,
  exampleValues,
  loadConfig,
  refuseExampleValues,
  type Config,
} from "../config.ts";
import { productFolders, products, repository, stackConfig } from "./support/stack-files.ts";
import { runAs } from "./support/stack-run.ts";

const stacks = ["production", "staging", "local"];

/** What a team changes between production and staging: nothing else differs. */
const differences = [
  "namespace",
  "regions[0].kubeContext",
  "regions[0].peer.host",
  "regions[0].peer.apiHost",
  "regions[1].kubeContext",
  "regions[1].peer.host",
  "regions[1].peer.apiHost",
  "host",
  "backend.minReplicas",
  "backend.maxReplicas",
  "backend.resources.requests.cpu",
  "backend.resources.requests.memory",
  "backend.resources.limits.cpu",
  "backend.resources.limits.memory",
  "frontend.minReplicas",
  "frontend.maxReplicas",
  "frontend.resources.requests.cpu",
  "frontend.resources.requests.memory",
  "frontend.resources.limits.cpu",
  "frontend.resources.limits.memory",
  "migration.resources.requests.cpu",
  "migration.resources.requests.memory",
  "migration.resources.limits.cpu",
  "migration.resources.limits.memory",
  "smoke.resources.requests.cpu",
  "smoke.resources.requests.memory",
  "smoke.resources.limits.cpu",
  "smoke.resources.limits.memory",
  "postgres.generations[0].storage",
  "postgres.resources.requests.cpu",
  "postgres.resources.requests.memory",
  "postgres.resources.limits.cpu",
  "postgres.resources.limits.memory",
  "quota.requests.cpu",
  "quota.requests.memory",
  "quota.limits.cpu",
  "quota.limits.memory",
  "quota.storage",
  "quota.pods",
  "limits.default.requests.cpu",
  "limits.default.requests.memory",
  "limits.default.limits.cpu",
  "limits.default.limits.memory",
  "limits.max.cpu",
  "limits.max.memory",
  "secrets.roleArn",
  "secrets.names.postgres",
  "secrets.names.app",
  "secrets.names.registry",
  "secrets.names.database",
  "certificates.issuer.server",
  "certificates.issuer.roleArn",
  "dns.hostedZoneId",
  "dns.zoneName",
  "backups.bucketPrefix",
  "backups.access.roleArns.eu-north-1.archive",
  "backups.access.roleArns.eu-north-1.proof",
  "backups.access.roleArns.eu-west-1.archive",
  "backups.access.roleArns.eu-west-1.proof",
  "backups.schedules.full",
  "backups.schedules.differential",
  "backups.restoreProof",
  "backups.restoreWindowDays",
  "backups.monthlyBackups",
  "backups.resources.requests.cpu",
  "backups.resources.requests.memory",
  "backups.resources.limits.cpu",
  "backups.resources.limits.memory",
];

const load = (stack: string, releasesFolder?: string, folder?: string): Promise<Config> =>
  runAs(stack, stackConfig(stack, folder), () =>
    loadConfig(releasesFolder === undefined ? {} : { releasesFolder }),
  );

describe("the shipped stacks", () => {
  test.each(stacks)("%s is complete and valid", async (stack) => {
    const config = await load(stack);
    expect(config.namespace).toBe(`gravl-${stack}`);
    expect(config.release.version).toBe("v1.0.0");
    expect(config.regions.map(({ name }) => name)).toContain(config.activeRegion);
  });

  test("production and staging have the same keys in the same order", () => {
    const [production, staging] = [
      leaves(stackConfig("production")),
      leaves(stackConfig("staging")),
    ];
    expect([...staging.keys()]).toEqual([...production.keys()]);
  });

  test("production and staging differ in nothing but the listed values", () => {
    const [production, staging] = [
      leaves(stackConfig("production")),
      leaves(stackConfig("staging")),
    ];
    const differing = [...production.keys()].filter(
      (key) => production.get(key) !== staging.get(key),
    );
    expect(differing).toEqual(differences);
  });

  test("the rehearsal installs nothing that needs the internet and asks no real zone", async () => {
    const { certificates, secrets } = await load("local");
    expect(certificates).toMatchObject({ issuer: { kind: "ca" }, certManager: { install: false } });
    expect(secrets).toEqual({ mode: "generated" });
  });
});

describe("another product", () => {
  test.each(productFolders())("%s works from configuration alone", async (product) => {
    const folder = join(products, product);
    const config = await load("production", join(folder, "releases"), folder);
    expect(config.product).toBe(product);
    expect(exampleValues(config)).toEqual([]);
  });
});

describe("example values", () => {
  test.each(["production", "staging"])("are those marked FILL IN in %s, no more", async (stack) => {
    const found = exampleValues(await load(stack)).map(({ value }) => JSON.parse(value) as string);
    const marked = [...fillIn(`Pulumi.${stack}.yaml`), ...fillIn("releases/v1.0.0.yaml")];
    expect(marked.length).toBeGreaterThan(10);
    expect(found).toEqual(marked);
  });

  test("are named with their place", async () => {
    const fields = exampleValues(await load("production")).map(({ field }) => field);
    expect(fields).toContain("lifeline:regions[1].kubeContext");
    expect(fields).toContain("releases/v1.0.0.yaml: images.backend");
  });

  test("are absent from the rehearsal's stack file", async () => {
    const fields = exampleValues(await load("local")).map(({ field }) => field);
    expect(fields.filter((field) => field.startsWith("lifeline:"))).toEqual([]);
  });

  test("are told in a preview and refused outside of it, all at once", async () => {
    const config = await load("production");
    const told = refuseExampleValues(config, {
      stack: "production",
      dryRun: true,
      secretKeys: new Set(),
    });
    const fields = told.map(({ field }) => field);
    expect(fields).toEqual(exampleValues(config).map(({ field }) => field));
    const refused = catchError(() =>
      refuseExampleValues(config, { stack: "production", dryRun: false, secretKeys: new Set() }),
    );
    expect(refused).toBeInstanceOf(ConfigError);
    for (const { field, value } of told) {
      expect(refused.message).toContain(field);
      expect(refused.message).toContain(value);
    }
    expect(refused.message).toContain("replace it");
  });

  test("are refused without being shown where they are encrypted", async () => {
    const config = await load("production");
    const secretKeys = new Set(["host"]);
    const refused = catchError(() =>
      refuseExampleValues(config, { stack: "production", dryRun: false, secretKeys }),
    );
    expect(refused.message).toContain("lifeline:host");
    expect(refused.message).not.toContain(config.host);
  });

  test("stop nothing once they are replaced", async () => {
    const folder = join(products, "twinship");
    const config = await load("production", join(folder, "releases"), folder);
    const options = { stack: "production", dryRun: false, secretKeys: new Set<string>() };
    expect(refuseExampleValues(config, options)).toEqual([]);
  });
});

/** Every scalar by its path. */
function leaves(value: unknown, path = ""): Map<string, unknown> {
  if (typeof value !== "object" || value === null) return new Map([[path, value]]);
  const inner = Object.entries(value).flatMap(([key, entry]) => {
    const name = Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    return [...leaves(entry, name)];
  });
  return new Map(inner);
}

/** The values on the lines of `file` that are marked, in their order. */
function fillIn(file: string): string[] {
  const lines = readFileSync(join(repository, file), "utf8").split("\n");
  return lines.flatMap((line) => /(?::|-) (\S+) # FILL IN: \S/.exec(line)?.[1] ?? []);
}

function catchError(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("accepted");
}
