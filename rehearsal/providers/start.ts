import { aws, type AwsOptions } from "./aws/provider.ts";
import { command } from "./command.ts";
import { kubernetes } from "./kubernetes/provider.ts";
import { random } from "./random.ts";
import { serve, type Served } from "./server.ts";

export const standInNames = ["kubernetes", "aws", "random", "command"] as const;
export type StandInName = (typeof standInNames)[number];

export interface ProvidersOptions {
  readonly aws?: AwsOptions;
  /** Plugins to stand in for. @default all of them */
  readonly only?: readonly StandInName[];
}

export interface Providers {
  /** For the engine's process: makes it use the stand-ins instead of its plugins. */
  readonly environment: { readonly PULUMI_DEBUG_PROVIDERS: string };
  /** Which plugins are stood in for, to be named in every report. */
  readonly names: readonly StandInName[];
  /** Cancels what is running and frees the ports. */
  stop(): Promise<void>;
}

/** Starts stand-ins for Pulumi's plugins in this process, each on a free port of 127.0.0.1. */
export async function startProviders(options: ProvidersOptions = {}): Promise<Providers> {
  const standIns = { kubernetes, aws: aws(options.aws ?? {}), random, command };
  const names = options.only ?? standInNames;
  const served = new Map<string, Served>();
  const stop = async () => {
    await Promise.all([...served.values()].map((server) => server.stop()));
  };
  try {
    for (const name of names) served.set(name, await serve(standIns[name]));
  } catch (error) {
    await stop();
    throw error;
  }
  const ports = [...served].map(([name, { port }]) => `${name}:${port}`);
  return { environment: { PULUMI_DEBUG_PROVIDERS: ports.join(",") }, names, stop };
}
