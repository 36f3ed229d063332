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
  const { config } = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  const secretKeys = Object.keys(config).filter((key) => isEncrypted(config[key]));
  return {
    config: Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key,
        isEncrypted(value) ? '{"auths":{"registry.invalid":{"auth":""}}}' : text(value),
      ]),
    ),
    secretKeys,
  };
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
