import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { podsOf } from "../checks/application.ts";
import { accepted, pathOf } from "../checks/objects.ts";
import type { RegionUnderTest } from "../checks/subject.ts";

/** Lines kept of each pod's log: what led to the decision is at its end. */
const logLines = 500;

/**
 * Keeps what a release leaves behind before it is taken back: its pods with their logs, the namespace's events and the
 * record of deployments. Nothing in here is a secret: none of these objects holds one.
 * @returns paths of the files
 */
export async function keepEvidence(
  regions: readonly RegionUnderTest[],
  namespace: string,
  folder: string,
): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const written = await Promise.all(
    regions.map(async (region) => {
      const { name, cluster } = region;
      const write = (file: string, content: string): string => {
        const path = join(folder, `${name}-${file}`);
        writeFileSync(path, content);
        return path;
      };
      const read = async (path: string) => accepted(await cluster.request("GET", path), path);
      const core = `/api/v1/namespaces/${namespace}`;
      const pods = await Promise.all(
        (["backend", "frontend"] as const).map((part) => podsOf(cluster, namespace, part)),
      );
      const logs = await Promise.all(pods.flat().map((pod) => logOf(region, namespace, pod)));
      return [
        write("pods.json", asText(pods.flat())),
        write("logs.txt", logs.join("\n")),
        write("events.json", asText(await read(`${core}/events`))),
        write("record.json", asText(await read(`${core}/configmaps/lifeline-release`))),
      ];
    }),
  );
  return written.flat();
}

const asText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

async function logOf(
  { cluster }: RegionUnderTest,
  namespace: string,
  { metadata }: V1Pod,
): Promise<string> {
  const pod = metadata?.name ?? "";
  const path = `${pathOf("pods", namespace, pod)}/log?tailLines=${String(logLines)}`;
  const { status, body } = await cluster.request("GET", path);
  return `== ${pod}\n${status === 200 ? body : `no log: ${body}`}`;
}
