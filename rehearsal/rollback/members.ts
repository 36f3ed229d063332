import type { V1Pod } from "@kubernetes/client-node";
import { members } from "../checks/database.ts";
import type { RegionUnderTest } from "../checks/subject.ts";

/** Every member of both databases with all that a restart would change. */
export type Members = ReadonlyMap<string, string>;

export async function membersOf(
  regions: readonly RegionUnderTest[],
  namespace: string,
): Promise<Members> {
  const pods = await Promise.all(regions.map((region) => members(region, namespace)));
  return new Map(pods.flat().map((pod) => [pod.metadata?.name ?? "", lifeOf(pod)]));
}

/** The pod's own identity, and how often each of its containers was started. */
function lifeOf({ metadata, status }: V1Pod): string {
  const starts = (status?.containerStatuses ?? [])
    .map(({ name, restartCount }) => `${name} ${String(restartCount)}`)
    .sort();
  return [metadata?.uid, ...starts].join(", ");
}

/** Members that are not the ones of before: restarted, replaced or gone. */
export function restarted(before: Members, after: Members): string[] {
  return [...before].filter(([name, life]) => after.get(name) !== life).map(([name]) => name);
}
