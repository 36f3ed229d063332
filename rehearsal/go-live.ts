import { join } from "node:path";
import { type Engine, openEngine } from "./engine.ts";
import type { Config } from "../config/schema.ts";
import { type Ground, pulumiHome } from "./ground.ts";
import { readLocalConfig } from "./local-config.ts";
import { type LocalStack, writeLocalStack } from "./local-stack.ts";
import { endOrphans } from "./orphans.ts";
import { repository } from "./paths.ts";
import { startProviders } from "./providers/start.ts";
import { ensurePassphrase, registryCredentials } from "./rehearsal-secrets.ts";

/**
 * Ends engines that a killed run left: they notice within seconds that their program is gone, and two engines would not
 * mix on one state.
 */
export const endEngines = (): Promise<void> => endOrphans(`PULUMI_HOME=${pulumiHome}`, 10);

/** The engine with everything it needs around it. */
export interface OpenedProgram {
  readonly engine: Engine;
  /** The files it was given, and the configuration in them. */
  readonly stack: LocalStack;
  readonly config: Config;
  readonly close: () => Promise<void>;
}

export interface ProgramOptions {
  readonly ground: Ground;
  readonly signal: AbortSignal;
  /** Folder of its project, state and secrets. */
  readonly folder: string;
  /** Namespace in place of the stack file's. */
  readonly namespace?: string;
  /** Settings in place of the stack file's. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Release files beside the clone's, by version. */
  readonly releases?: Readonly<Record<string, string>>;
  /** Whether the policy pack judges what it does. @default true */
  readonly isJudged?: boolean;
}

/** Opens the program's local stack on the ground: its own copy of the project, stand-ins where needed, the real engine. */
export async function openProgram(options: ProgramOptions): Promise<OpenedProgram> {
  const { ground, signal, folder, namespace, settings, releases, isJudged = true } = options;
  await endEngines();
  const stack = writeLocalStack({
    folder,
    ...(namespace !== undefined && { namespace }),
    ...(releases !== undefined && { releases }),
    settings: { ...ground.archive?.settings, ...settings },
    kubeconfig: ground.kubeconfig,
    contexts: [ground.places[0].context, ground.places[1].context],
    images: Object.fromEntries(ground.images.map((image) => [image.name, image.reference])),
  });
  const providers = await startProviders({
    only: ground.standIns,
    // There is no AWS that would remember what an earlier run declared.
    aws: {
      stateFile: join(folder, "aws.json"),
      ...(ground.archive?.buckets !== undefined && { buckets: ground.archive.buckets }),
    },
  });
  try {
    const engine = await openEngine({
      pulumi: ground.pulumi,
      projectFolder: stack.projectFolder,
      stateFolder: join(folder, "state"),
      pulumiHome,
      passphraseFile: ensurePassphrase(folder),
      stack: "local",
      program: async () => {
        const { default: lifeline } = await import("../index.ts");
        return lifeline({ releasesFolder: stack.releasesFolder });
      },
      policyPacks: isJudged ? [join(repository, "policies")] : [],
      analyzerFolder: join(repository, "rehearsal", "engine-bin"),
      environment: providers.environment,
      signal,
    });
    await engine.setSecrets({
      "lifeline:registryCredentials": registryCredentials(folder).dockerConfig,
      ...(ground.archive !== undefined && {
        "lifeline:archiveCredentials": JSON.stringify(ground.archive.accounts),
      }),
    });
    return { engine, stack, config: readLocalConfig(stack), close: () => providers.stop() };
  } catch (error) {
    await providers.stop();
    throw error;
  }
}
