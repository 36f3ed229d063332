import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { getCACertificates } from "node:tls";

import { ConfigError } from "../../config/problems.ts";
import type { Config } from "../../config/schema.ts";
import { connect } from "../../rehearsal/checks/cluster.ts";
import { unknownAddress } from "../../rehearsal/checks/https-client.ts";
import type { RegionUnderTest, Subject } from "../../rehearsal/checks/subject.ts";
import { configIn, subjectOf } from "../../rehearsal/local-config.ts";
import { cache } from "../../rehearsal/paths.ts";
import { exitCode, Problem } from "../../rehearsal/problem.ts";
import { findProgram } from "../../rehearsal/toolchain/machine.ts";
import { acquireTools } from "../../rehearsal/toolchain/toolchain.ts";
import { gatewayAddress } from "../../rehearsal/verify.ts";
import { lastDeployment, type Deployment, type RecordState } from "../record.ts";
import type { KnownStack } from "./stack-state.ts";

/** What a stack should be running, by its record, and where. */
export interface Live {
  readonly config: Config;
  readonly state: RecordState;
  readonly deployment: Deployment;
  /** Its gateways are asked for; one that does not answer has no address. */
  readonly regions: readonly RegionUnderTest[];
  readonly subject: Subject;
}

export interface LiveOptions {
  /** Folder with the releases. */
  readonly folder: string;
  readonly known: KnownStack;
  readonly isRehearsal: boolean;
}

/** @throws Problem when nothing is known of the stack, nothing runs, or its clusters cannot be reached from here */
export async function openLive({ folder, known, isRehearsal }: LiveOptions): Promise<Live> {
  const { stack, state, unknown } = known;
  const deployment = state && lastDeployment(state);
  if (unknown !== undefined) {
    throw new Problem(`${stack}: what was deployed is not known: ${unknown}`, exitCode.cannotRun);
  }
  if (state === undefined || deployment === undefined)
    throw new Problem(`${stack}: nothing was deployed yet. Fix: pulumi up.`, exitCode.cannotRun);
  const config = configOf(known, join(folder, "releases"), deployment);
  const kubeconfig =
    config.kubeconfig ?? process.env["KUBECONFIG"] ?? join(homedir(), ".kube", "config");
  const kubectl = await kubectlFor(isRehearsal);
  const regions = await Promise.all(
    config.regions.map(async ({ name, kubeContext: context }): Promise<RegionUnderTest> => {
      const cluster = connectTo({ kubeconfig, context, kubectl });
      return {
        ...{ name, cluster, httpsPort: 443, httpPort: 80 },
        role: name === config.activeRegion ? "primary" : "standby",
        address: await gatewayAddress(cluster, name, config).catch(() => unknownAddress),
      };
    }),
  );
  const authority = isRehearsal
    ? readFileSync(join(folder, "certificate-authority.crt"), "utf8")
    : getCACertificates().join("\n");
  const expected = subjectOf(config, authority, new Date(deployment.at));
  const { generation, schema } = deployment;
  const subject = {
    ...expected,
    // A release may run on a schema that a later one left.
    release: { ...expected.release, schemaTarget: schema.after.highest },
    postgres: { ...expected.postgres, generation },
  };
  return { config, state, deployment, regions, subject };
}

function configOf({ file, stack }: KnownStack, releases: string, { release }: Deployment): Config {
  try {
    // The file may name what comes next.
    return configIn(file, stack, releases, { release });
  } catch (error) {
    if (error instanceof ConfigError) throw new Problem(error.message, exitCode.usage);
    throw error;
  }
}

function connectTo(access: Parameters<typeof connect>[0]) {
  try {
    return connect(access);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem(
      `${access.kubeconfig}, context ${access.context}: ${why}. Fix: set KUBECONFIG, or lifeline:kubeconfig, to a file that has it.`,
      exitCode.cannotRun,
    );
  }
}

async function kubectlFor(isRehearsal: boolean): Promise<string> {
  if (isRehearsal) {
    const reporter = () => ({ status: () => undefined });
    return (await acquireTools(["kubernetes"], { cache, reporter })).bin.kubectl;
  }
  const found = await findProgram("kubectl", process.env["PATH"] ?? "");
  if (found === undefined)
    throw new Problem("kubectl is not on PATH. Fix: install it.", exitCode.cannotRun);
  return found;
}
