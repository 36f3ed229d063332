import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, connect } from "./checks/cluster.ts";
import { runPhase } from "./checks/go-live.ts";
import { unknownAddress } from "./checks/https-client.ts";
import { get } from "./checks/objects.ts";
import { noDrift, secondRunEmpty, secretsStaySecret, unlessGone } from "./checks/sign-off.ts";
import type { RegionUnderTest, Subject } from "./checks/subject.ts";
import type { Config } from "../config/schema.ts";
import type { Ground } from "./ground.ts";
import type { PhaseOfUpdate } from "./phases-of-update.ts";
import { type Task, runTasks } from "./progress.ts";
import type { CheckResult, Findings, RunSummary } from "./report/evidence.ts";
import { type PhaseId, goLiveRunbook } from "./report/phases.ts";
import { declaredCheckName, statusOf } from "./report/evidence.ts";

export type PhaseFindings = Findings["phases"];

/** Both regions as the checks reach them. */
export function regionsUnderTest(ground: Ground, config: Config): Promise<RegionUnderTest[]> {
  return Promise.all(
    ground.places.map(async (place) => {
      const cluster = clusterOf(ground, place.context);
      return {
        name: place.awsRegion,
        role: place.awsRegion === config.activeRegion ? ("primary" as const) : ("standby" as const),
        address: await gatewayAddress(cluster, place.awsRegion, config),
        httpsPort: 443,
        httpPort: 80,
        cluster,
      };
    }),
  );
}

export const clusterOf = (ground: Ground, context: string): Cluster =>
  connect({ kubeconfig: ground.kubeconfig, context, kubectl: ground.kubectl });

/** The region's configured address, or the one that its Gateway says it has; `unknownAddress` without either. */
export async function gatewayAddress(
  cluster: Cluster,
  region: string,
  { product, namespace, regions }: GatewayConfig,
): Promise<string> {
  const configured = regions.find(({ name }) => name === region)?.gatewayAddress;
  if (configured !== undefined) return configured;
  const gateway = await get<{ status?: { addresses?: { value: string }[] } }>(
    cluster,
    "gateways",
    product,
    namespace,
  );
  return gateway.status?.addresses?.[0]?.value ?? unknownAddress;
}

type GatewayConfig = Pick<Config, "product" | "namespace"> & {
  readonly regions: readonly { readonly name: string; readonly gatewayAddress?: string }[];
};

/**
 * Runs the checks of every phase but the last, in the order of the runbook.
 * @param findings receives each phase as it ends, whatever comes after it
 */
export async function verify(
  regions: readonly RegionUnderTest[],
  subject: Subject,
  update: Partial<Record<PhaseId, PhaseOfUpdate>>,
  findings: PhaseFindings,
  signal: AbortSignal,
): Promise<void> {
  await runTasks(
    goLiveRunbook.flatMap(({ id, runbook, title }): Task[] => {
      if (id === "sign-off") return [];
      return [
        {
          title: `${runbook} ${title}`,
          run: async () => {
            signal.throwIfAborted();
            const { checks, seconds } = await runPhase(id, regions, subject);
            const declared = update[id];
            const found = {
              checks: [...(declared === undefined ? [] : [declaredCheck(declared)]), ...checks],
              seconds: seconds + (declared?.seconds ?? 0),
            };
            findings[id] = found;
            return outcome(found.checks);
          },
        },
      ];
    }),
  );
}

/** The engine's part of a phase, as a check beside the others. */
export function declaredCheck({ resources, failed, seconds }: PhaseOfUpdate): CheckResult {
  return {
    name: declaredCheckName,
    status: failed.length === 0 ? "passed" : "failed",
    seconds,
    expected: `${String(resources)} resources`,
    measured: `${String(resources - failed.length)} resources`,
    detail: failed.length === 0 ? "" : `not ready: ${failed.join(", ")}`,
  };
}

/** The last phase: the program has nothing left to do, nothing drifted, and no secret leaked into what was written. */
export async function signOff(
  second: RunSummary,
  drift: RunSummary,
  folders: readonly string[],
  secrets: readonly string[],
): Promise<{ checks: CheckResult[]; seconds: number }> {
  const checks = await Promise.all([
    secondRunEmpty(second),
    noDrift(drift),
    secretsStaySecret(
      folders.flatMap((folder) => filesBelow(folder)),
      secrets,
    ),
  ]);
  return { checks, seconds: second.seconds + drift.seconds };
}

function filesBelow(folder: string, entries = entriesOf(folder)): string[] {
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    // The kubelet removes the logs of pods that are gone, also just now.
    if (entry.isDirectory()) return filesBelow(path, unlessGone(() => entriesOf(path)) ?? []);
    return entry.isFile() ? [path] : [];
  });
}

const entriesOf = (folder: string): Dirent[] => readdirSync(folder, { withFileTypes: true });

/** One phase's result in a few words. */
export function outcome(checks: readonly CheckResult[]): string {
  const count = (status: CheckResult["status"]) =>
    checks.filter((check) => check.status === status).length;
  const skipped = count("skipped");
  const failed = checks.filter((check) => check.status === "failed");
  if (failed.length > 0) {
    const names = failed.map((check) =>
      [check.region, check.name].filter((part) => part !== undefined).join(" "),
    );
    return `FAILED: ${names.join("; ")}`;
  }
  return `${statusOf(checks)}, ${String(count("passed"))} checks${skipped === 0 ? "" : `, ${String(skipped)} skipped`}`;
}
