import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { repository } from "./paths.ts";
import { exitCode, Problem } from "./problem.ts";

/** The configuration of a stack as the engine would hand it to the program. */
export interface StackFile {
  readonly config: Readonly<Record<string, string>>;
  /** Keys whose values are encrypted in the file; their values here are stand-ins. */
  readonly secretKeys: readonly string[];
}

/** Reads `Pulumi.<stack>.yaml` without its passphrase. @throws Problem naming the stacks there are */
export function readStackFile(stack: string, folder: string = repository): StackFile {
  const file = join(folder, `Pulumi.${stack}.yaml`);
  if (!existsSync(file)) {
    throw new Problem(
      `There is no stack "${stack}": ${folder} has ${stackNames(folder).join(", ")}. Fix: name one of them.`,
      exitCode.usage,
    );
  }
  const written = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  const config = { ...withoutKeys(written.config), ...written.config };
  const secretKeys = Object.keys(config).filter((key) => isEncrypted(config[key]));
  return {
    config: Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key,
        isEncrypted(value) ? standIn(key, config) : text(value),
      ]),
    ),
    secretKeys,
  };
}

const archiveCredentials = "lifeline:archiveCredentials";

/** A stack that reaches its archives with keys is complete once they are set, which is never done in a file of this repository. */
function withoutKeys(config: Record<string, unknown>): Record<string, unknown> {
  const backups = config["lifeline:backups"] as { access?: { kind?: string } } | undefined;
  return backups?.access?.kind === "keys" ? { [archiveCredentials]: { secure: "" } } : {};
}

/** A value of the shape that the program accepts. */
function standIn(key: string, config: Record<string, unknown>): string {
  if (key !== archiveCredentials) return '{"auths":{"registry.invalid":{"auth":""}}}';
  const regions = config["lifeline:regions"] as { name: string }[];
  const pair = { accessKey: "none", secretKey: "none" };
  const holders = { own: pair, peer: pair, proof: pair, reports: pair };
  return JSON.stringify(Object.fromEntries(regions.map(({ name }) => [name, holders])));
}

function stackNames(folder: string): string[] {
  return readdirSync(folder).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
}

function isEncrypted(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
