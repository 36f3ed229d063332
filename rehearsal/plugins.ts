import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { repository } from "./paths.ts";

/** Providers whose official plugin a rehearsal can use; AWS has no account to talk to. */
const providers = ["random", "kubernetes", "command"] as const;

export type PluginName = (typeof providers)[number];

/**
 * Asks the engine to get each official plugin, at the version of its SDK.
 * @returns those it could not get: their stand-ins take their place.
 */
export async function missingPlugins(
  pulumi: string,
  environment: Readonly<Record<string, string>>,
): Promise<PluginName[]> {
  for (const [index, name] of providers.entries()) {
    // They all come from one place: where one cannot be had, asking for the others would only take time.
    if (!(await install(pulumi, name, environment))) return providers.slice(index);
  }
  return [];
}

async function install(
  pulumi: string,
  name: PluginName,
  environment: Readonly<Record<string, string>>,
): Promise<boolean> {
  const { version } = JSON.parse(
    readFileSync(join(repository, "node_modules/@pulumi", name, "package.json"), "utf8"),
  ) as { version: string };
  const { code } = await run(pulumi, ["plugin", "install", "resource", name, version], {
    environment,
    timeoutSeconds: 300,
  });
  return code === 0;
}
