import { userInfo } from "node:os";

import * as pulumi from "@pulumi/pulumi";

import { releaseRecordType } from "../components/lib/release-record-type.ts";
import { readRecord, withoutRefused, type DeploymentRecord, type RecordState } from "./record.ts";
import type { Settings } from "./settings.ts";

/** Outputs of a resource in the engine's state. */
export interface KnownResource {
  readonly type: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/**
 * What the last runs left in the engine's own state, read by the engine itself: known in a preview, known after a run that
 * failed, and known when a region or a cluster is not. Undefined before the first run.
 */
export async function readState(): Promise<RecordState | undefined> {
  const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  const { outputs } = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {
    stackName,
  })) as { outputs: Readonly<Record<string, KnownResource>> };
  return stateFrom(Object.values(outputs));
}

/** The longest record among all regions: a region that was away during a run missed what happened. */
export function stateFrom(resources: readonly KnownResource[]): RecordState | undefined {
  const records = resources
    .filter(({ type }) => type === releaseRecordType)
    .flatMap(({ outputs: { record } }) => (typeof record === "string" ? [readRecord(record)] : []))
    .sort((a, b) => lastNumber(b) - lastNumber(a));
  const [record] = records;
  if (record === undefined) return undefined;
  const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  const settings = stack?.outputs["settings"];
  const state = {
    record,
    finished: finishedIn(stack?.outputs["record"]),
    ...(typeof settings === "object" && settings !== null && { settings: settings as Settings }),
  };
  return withoutRefused(state, begunGenerations(resources));
}

/** The newest data generation of which anything was made: its role comes first. */
function begunGenerations(resources: readonly KnownResource[]): number {
  const numbers = resources.map(({ type, outputs: { metadata } }) => {
    if (type !== "kubernetes:core/v1:ConfigMap" || typeof metadata !== "object") return 1;
    const { name } = (metadata ?? {}) as { name?: unknown };
    return Number(/^postgres-(\d+)-config$/.exec(String(name))?.[1] ?? 1);
  });
  return Math.max(1, ...numbers);
}

/** The stack's own outputs are written only at the end of a run that went well. */
function finishedIn(record: unknown): number {
  return typeof record === "string" ? lastNumber(readRecord(record)) : 0;
}

function lastNumber({ deployments }: DeploymentRecord): number {
  return deployments.at(-1)?.number ?? 0;
}

/** Who runs this program, for a record that names nobody else. */
export function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return `uid ${String(process.getuid?.() ?? "unknown")}`;
  }
}
