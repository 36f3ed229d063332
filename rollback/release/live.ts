import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates } from "node:tls";

import { ConfigError } from "../../config/problems.ts";
import type { Config } from "../../config/schema.ts";
import { connect, type Cluster, type ClusterAccess } from "../../rehearsal/checks/cluster.ts";
import { unknownAddress } from "../../rehearsal/checks/https-client.ts";
import type { RegionUnderTest, Subject } from "../../rehearsal/checks/subject.ts";
import { configIn, subjectOf } from "../../rehearsal/local-config.ts";
import { exitCode, Problem } from "../../rehearsal/problem.ts";
import { gatewayAddress } from "../../rehearsal/verify.ts";
import { attemptsOf, restorePointsOf, type Deployment, type RecordState } from "../record.ts";
import type { KnownStack } from "./stack-state.ts";

/** What a stack should be running, by its record, and where. */
export interface Live {
  readonly config: Config;
  readonly state: RecordState;
  readonly deployment: Deployment;
  /** When it was begun for the first time. */
  readonly begun: Date;
  /** A cluster that cannot be reached says why to whoever asks it. */
  readonly regions: readonly RegionUnderTest[];
  readonly subject: Subject;
}

export interface LiveOptions {
  /** Folder with the releases. */
  readonly folder: string;
  readonly known: KnownStack;
  readonly isRehearsal: boolean;
  /** Path of it, or its name; commands in containers go through it. */
  readonly kubectl: string;
}

/** @throws Problem when nothing is known of the stack, or nothing runs */
export async function openLive(options: LiveOptions): Promise<Live> {
  const { folder, known, isRehearsal, kubectl } = options;
  const { stack, state, unknown } = known;
  if (unknown !== undefined) {
    throw new Problem(`${stack}: what was deployed is not known: ${unknown}`, exitCode.cannotRun);
  }
  const deployment = state?.record.deployments.at(-1);
  if (state === undefined || deployment === undefined)
    throw new Problem(`${stack}: nothing was deployed yet. Fix: pulumi up.`, exitCode.cannotRun);
  const config = configOf(known, join(folder, "releases"), deployment);
  // The file may be ahead of what runs here, too.
  const active = state.settings?.["activeRegion"] ?? config.activeRegion;
  const regions = await Promise.all(
    config.regions.map(async ({ name, kubeContext: context }): Promise<RegionUnderTest> => {
      const cluster = connected({ kubeconfig: config.kubeconfig, context, kubectl });
      return {
        ...{ name, cluster, httpsPort: 443, httpPort: 80 },
        role: name === active ? "primary" : "standby",
        address: await gatewayAddress(cluster, name, config).catch(() => unknownAddress),
      };
    }),
  );
  const authority = isRehearsal
    ? readFileSync(join(folder, "certificate-authority.crt"), "utf8")
    : getCACertificates().join("\n");
  const begun = new Date(attemptsOf(state.record)[0]?.at ?? deployment.at);
  const expected = subjectOf(config, authority, begun);
  const { release } = expected;
  const { generation, schema } = deployment;
  const subject = {
    ...expected,
    release: {
      ...release,
      // A release may run on a schema that a later one left.
      schema: schema.after,
      restorePoint: restorePointsOf(state.record).at(-1) ?? release.restorePoint,
    },
    postgres: { ...expected.postgres, generation },
  };
  return { config, state, deployment, begun, regions, subject };
}

function configOf({ file, stack }: KnownStack, releases: string, { release }: Deployment): Config {
  if (!existsSync(file)) {
    throw new Problem(
      `${stack}: there is no ${file}. Fix: run it where the stack file is.`,
      exitCode.cannotRun,
    );
  }
  try {
    // The file may name what comes next.
    return configIn(file, stack, releases, { release });
  } catch (error) {
    if (error instanceof ConfigError) throw new Problem(error.message, exitCode.usage);
    throw error;
  }
}

/** The other region is looked at all the same. */
function connected(access: ClusterAccess): Cluster {
  try {
    return connect(access);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const refuse = () =>
      Promise.reject(
        new Error(
          `context ${access.context}: ${why}. Fix: set KUBECONFIG, or lifeline:kubeconfig, to files that have it`,
        ),
      );
    return { context: access.context, request: refuse, exec: refuse };
  }
}
