import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { V1Pod, V1Secret } from "@kubernetes/client-node";
import { masked } from "../../diagnosis/masked.ts";
import { podsOf } from "../checks/application.ts";
import { accepted, get, pathOf } from "../checks/objects.ts";
import type { RegionUnderTest } from "../checks/subject.ts";

/** Lines kept of each container's log: what led to the decision is at its end. */
const logLines = 500;

/** What a release consists of, by the label of its pods. */
const components = ["backend", "frontend", "migration", "smoke"] as const;

/** What is kept of each region, in a file each. */
export const keptParts = ["pods.json", "logs.txt", "events.json", "record.json"] as const;
type KeptPart = (typeof keptParts)[number];

export const keptFile = (region: string, part: KeptPart): string => `${region}-${part}`;

/** What was kept, and what could not be. */
export interface Kept {
  /** Paths of the files. */
  readonly files: readonly string[];
  /** Regions of which something is not kept, and why. */
  readonly missing: readonly string[];
}

/**
 * Keeps what a release leaves behind before it is taken back: its pods with their logs, also those of containers that
 * restarted, the namespace's events and the record of deployments; of each region as much as answers. Only their owner can
 * read the files. Secrets that the pods read are cut out of the logs; a log is left out where they cannot be read, which is
 * told among what is missing. Lines that hold what looks like a credential are cut out of everything.
 */
export async function keepEvidence(
  regions: readonly Pick<RegionUnderTest, "name" | "cluster">[],
  namespace: string,
  folder: string,
): Promise<Kept> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files: string[] = [];
  const missing: string[] = [];
  const parts = regions.flatMap((region) => {
    const lack = (what: string) => missing.push(`${region.name}: ${what}`);
    const own = partsOf(region, namespace, lack);
    return keptParts.map((file) => ({ region, file, read: own[file] }));
  });
  await Promise.all(
    parts.map(async ({ region: { name }, file, read }) => {
      const path = join(folder, keptFile(name, file));
      try {
        writeFileSync(path, await read(), { mode: 0o600 });
        // Of a file that was there already the mode is another one's.
        chmodSync(path, 0o600);
        files.push(path);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        missing.push(`${name}: ${file}: ${why}`);
      }
    }),
  );
  return { files: files.sort(), missing: missing.sort() };
}

function partsOf(
  { cluster }: Pick<RegionUnderTest, "cluster">,
  namespace: string,
  lack: (what: string) => void,
): Record<KeptPart, () => Promise<string>> {
  const pods = async () => {
    const found = await Promise.all(
      components.map((component) => podsOf(cluster, namespace, component)),
    );
    return found.flat();
  };
  const read = async (path: string) =>
    asText(accepted(await cluster.request("GET", path), `read ${path}`));
  const core = `/api/v1/namespaces/${namespace}`;
  return {
    "pods.json": async () => asText(await pods()),
    "logs.txt": async () => {
      const logs = new Logs(cluster, namespace, lack);
      return (await Promise.all((await pods()).map((pod) => logs.of(pod)))).flat().join("\n");
    },
    "events.json": () => read(`${core}/events`),
    "record.json": () => read(`${core}/configmaps/lifeline-release`),
  };
}

const asText = (value: unknown): string =>
  masked(`${JSON.stringify(value, null, 2)}\n`.split("\n"), []).join("\n");

/** Logs of one namespace; each Secret is read once. */
class Logs {
  readonly #cluster: RegionUnderTest["cluster"];
  readonly #namespace: string;
  readonly #lack: (what: string) => void;
  readonly #secrets = new Map<string, Promise<string[]>>();

  constructor(
    cluster: RegionUnderTest["cluster"],
    namespace: string,
    lack: (what: string) => void,
  ) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#lack = lack;
  }

  async of({ metadata, spec, status }: V1Pod): Promise<string[]> {
    const pod = metadata?.name ?? "";
    const begun = [
      ...(status?.initContainerStatuses ?? []),
      ...(status?.containerStatuses ?? []),
    ].filter(({ state, restartCount }) => state?.waiting === undefined || restartCount > 0);
    if (begun.length === 0) return [`== ${pod}`, "nothing of it has begun"];
    const names = (spec?.volumes ?? []).flatMap(({ secret }) => secret?.secretName ?? []);
    const secrets = await Promise.all(names.map((name) => this.#secretsIn(name))).catch(String);
    if (typeof secrets === "string") {
      this.#lack(`log of ${pod}, in which its secrets cannot be masked: ${secrets}`);
      return [`== ${pod}`, "not kept: its secrets cannot be read, to mask them"];
    }
    const texts = begun.flatMap(({ name, restartCount }) => [
      ...(restartCount > 0 ? [this.#lines(pod, name, true)] : []),
      this.#lines(pod, name, false),
    ]);
    return masked((await Promise.all(texts)).flat(), secrets.flat());
  }

  async #lines(pod: string, container: string, previous: boolean): Promise<string[]> {
    const query = `container=${container}&tailLines=${String(logLines)}&previous=${String(previous)}`;
    const path = `${pathOf("pods", this.#namespace, pod)}/log?${query}`;
    const { status, body } = await this.#cluster.request("GET", path);
    const title = `== ${pod} ${container}${previous ? ", before it restarted" : ""}`;
    if (status === 200) return [title, ...body.trimEnd().split("\n")];
    // The kubelet may have forgotten it; a right that is missing is somebody's to mend.
    if (status === 401 || status === 403) this.#lack(`log of ${pod}: ${body}`);
    return [title, `no log: ${body}`];
  }

  #secretsIn(name: string): Promise<string[]> {
    const known = this.#secrets.get(name) ?? this.#readSecret(name);
    this.#secrets.set(name, known);
    return known;
  }

  async #readSecret(name: string): Promise<string[]> {
    // One that is gone may still be in the pod.
    const secret = await get<V1Secret>(this.#cluster, "secrets", name, this.#namespace);
    return Object.values(secret.data ?? {}).map((value) => Buffer.from(value, "base64").toString());
  }
}
