import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { parseConfig } from "../config/parse.ts";
import { releaseFiles } from "../config/release.ts";
import type { Config } from "../config/schema.ts";
import type { Subject } from "./checks/subject.ts";
import type { LocalStack } from "./local-stack.ts";

const prefix = "lifeline:";

/** The configuration that the program was given, read as the program reads it. */
export function readLocalConfig({ projectFolder, releasesFolder }: LocalStack): Config {
  return configIn(join(projectFolder, "Pulumi.local.yaml"), "local", releasesFolder);
}

/**
 * The configuration of a stack file, without its secrets, with some settings in place of the file's.
 * @throws ConfigError naming every problem at once
 */
export function configIn(
  file: string,
  stack: string,
  releasesFolder: string,
  settings: Readonly<Record<string, unknown>> = {},
): Config {
  const { config } = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  const own = Object.entries(config)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  const plain = own.filter(([, value]) => !isEncrypted(value));
  return parseConfig(
    stack,
    { ...Object.fromEntries(plain), ...settings },
    releaseFiles(releasesFolder),
  );
}

const isEncrypted = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "secure" in value;

/** What should be running, for the checks. */
export function subjectOf(config: Config, authority: string, since: Date): Subject {
  return {
    product: config.product,
    namespace: config.namespace,
    host: config.host,
    release: {
      version: config.release.version,
      schema: { lowest: config.release.schema.target, highest: config.release.schema.target },
      restorePoint: config.release.version,
      images: config.release.images,
    },
    postgres: {
      image: config.postgres.image,
      database: config.postgres.database,
      replicas: config.postgres.replicas,
      generation: config.postgres.generations.length,
    },
    minReplicas: { backend: config.backend.minReplicas, frontend: config.frontend.minReplicas },
    since,
    registryCredentials: true,
    authority,
  };
}
