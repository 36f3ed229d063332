import { AsyncResource } from "node:async_hooks";

import * as pulumi from "@pulumi/pulumi";

import type { Config } from "../config.ts";
import type { Declared } from "../diagnosis/cause.ts";
import { commands } from "./commands.ts";
import type { Way } from "./decide.ts";
import { inOneLine } from "./ways-back.ts";

/** A part of the product that did not come to its end. */
export interface Stop {
  readonly stack: string;
  readonly release: string;
  /** Its name in the program. */
  readonly name: string;
  /** The object that it stands for. */
  readonly object?: string;
  /** Why, one line each. */
  readonly causes: readonly string[];
}

/** What somebody reads who has to decide at once: what stopped, why, and the command that goes back. */
export function stopMessage(
  { stack, release, name, object, causes }: Stop,
  ways: readonly Way[],
): string {
  const where = object === undefined ? name : `${name} (${object})`;
  const [first = "not known; the engine's message above is all there is", ...rest] = causes;
  return [
    `${release} stopped at ${where}`,
    `  why:   ${[first, ...rest].join("\n         ")}`,
    ...(ways.length === 0 ? [] : [`  keep:  ${commands.keep(stack)}`]),
    ...ways.map((way, index) =>
      [`  ${index === 0 ? "back:" : "or:  "}  ${way.what}`, `         ${inOneLine(way)}`].join(
        "\n",
      ),
    ),
    ...(ways.length === 0 ? ["  back:  nothing ran before; mend it and run it again"] : []),
  ].join("\n");
}

/**
 * Says, whenever something at which a release can stop does not come to its end, what the cluster knows about it and how
 * to go back. The engine calls it in the middle of its run, so it works wherever the program is run from.
 */
export function tellOfStops(
  name: string,
  config: Pick<Config, "release" | "regions" | "kubeconfig">,
  ways: readonly Way[],
): pulumi.ResourceHookBinding {
  const tell = async (failed: pulumi.ErrorHookArgs): Promise<boolean> => {
    // Neither a preview nor what cannot be removed is a release that stopped.
    if (pulumi.runtime.isDryRun() || failed.failedOperation === "delete") return false;
    const declared = declaredIn(failed.newInputs);
    const stop = {
      stack: pulumi.getStack(),
      release: config.release.version,
      name: failed.name,
      ...(declared !== undefined && { object: inWords(declared) }),
      causes:
        declared === undefined
          ? outputOf(failed.errors)
          : await whyStopped(failed, () => askCluster(config, failed.name, declared)),
    };
    await pulumi.log.error(stopMessage(stop, ways));
    return false;
  };
  // The engine calls from outside of this run, where nobody would know which engine to tell.
  const hook = new pulumi.ErrorHook(name, AsyncResource.bind(tell));
  return { onError: [hook] };
}

/**
 * Before a Job is made, has the cluster forget the same one, where it failed in an earlier run, and the oldest that did
 * its work before: the engine keeps what it replaces, because its region may be lost.
 */
export function retryJobs(config: Clusters): pulumi.ResourceHookBinding {
  const clear = async ({ name, newInputs }: pulumi.ResourceHookArgs): Promise<void> => {
    const declared = declaredIn(newInputs as Readonly<Record<string, unknown>> | undefined);
    const namespace = declared?.metadata.namespace;
    if (declared?.kind !== "Job" || namespace === undefined) return;
    const [{ Unreachable }, { clearFailedJob, clearOldJobs }] = await Promise.all([
      import("../diagnosis/api.ts"),
      import("../diagnosis/jobs.ts"),
    ]);
    try {
      const api = await apiOf(config, name);
      if (api === undefined) return;
      await clearFailedJob(api, namespace, declared.metadata.name);
      await clearOldJobs(api, namespace, { labels: {}, ...declared.metadata });
    } catch (error) {
      // Whoever is asked next says so better.
      if (!(error instanceof Unreachable)) throw error;
    }
  };
  const hook = new pulumi.ResourceHook("retry-job", AsyncResource.bind(clear));
  return { beforeCreate: [hook], beforeUpdate: [hook] };
}

type Clusters = Pick<Config, "regions" | "kubeconfig">;

/** The cluster that a part of the program lies in, by its name. */
async function apiOf({ regions, kubeconfig }: Clusters, name: string) {
  const region = regions.find((it) => name.startsWith(`${it.name}-`));
  if (region === undefined) return undefined;
  // Loaded when it is needed: hardly any run needs it.
  const { ApiClient } = await import("../diagnosis/api.ts");
  return new ApiClient({ kubeconfig, context: region.kubeContext });
}

async function askCluster(config: Clusters, name: string, declared: Declared): Promise<string[]> {
  const [api, { causeOf }] = await Promise.all([
    apiOf(config, name),
    import("../diagnosis/cause.ts"),
  ]);
  return api === undefined ? [] : causeOf(api, declared);
}

/**
 * Why an object did not do its work: what its cluster says; where that knows nothing of it, as of an object that it
 * refused to make, what the engine was told.
 */
export async function whyStopped(
  { name, errors }: Pick<pulumi.ErrorHookArgs, "name" | "errors">,
  ask: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const { ApiError } = await import("../diagnosis/api.ts");
  try {
    const causes = await ask();
    if (causes.length > 0) return causes;
  } catch (error) {
    if (!(error instanceof ApiError)) {
      const why = error instanceof Error ? error.message : String(error);
      return [`the cluster of ${name} could not be asked: ${why}`];
    }
  }
  const { masked } = await import("../diagnosis/masked.ts");
  const [last = ""] = errors;
  const lines = last.split("\n").map((line) => line.trimEnd());
  return masked(lines.filter((line) => line !== "").slice(0, toldLines), []);
}

/** Lines of the engine that are quoted; all of them are on the screen above. */
const toldLines = 8;

/** A command has said why itself. */
const outputOf = ([last = ""]: readonly string[]): string[] =>
  last
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => /^(FAILED|waiting|ok) /.test(line))
    .slice(-4);

function declaredIn(inputs: Readonly<Record<string, unknown>> | undefined): Declared | undefined {
  const { apiVersion, kind, metadata } = (inputs ?? {}) as Partial<Declared>;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return undefined;
  return typeof metadata?.name === "string" ? { apiVersion, kind, metadata } : undefined;
}

const inWords = ({ kind, metadata: { namespace, name } }: Declared): string =>
  `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
