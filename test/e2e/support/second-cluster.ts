import { spawn } from "node:child_process";
import { once } from "node:events";
import { kubeconfigFile } from "../../../rehearsal/paths.ts";
import { topology } from "../../../rehearsal/regions/topology.ts";
import { until } from "./archives.ts";
import { type TwoDatabases, namespace } from "./two-databases.ts";

const region = "eu-north-1";
const copied = [
  "role/database",
  "rolebinding/database",
  "configmap/postgres-1-config",
  "configmap/postgres-1-settings",
  `statefulset/postgres-1-${region}`,
];
/** Roles have names without a number. */
const renamed = copied.map((name) =>
  name.includes("postgres-1") ? name.replace("postgres-1", "postgres-9") : `${name}-9`,
);

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: object;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: object;
  readonly roleRef?: object;
  readonly [field: string]: unknown;
}

/** A database of one member beside the serving one, from the same objects under another number: it begins empty. */
export class SecondCluster {
  readonly member = `postgres-9-${region}-0`;
  readonly #databases: TwoDatabases;
  readonly #kubectl: string;

  constructor(databases: TwoDatabases, kubectl: string) {
    this.#databases = databases;
    this.#kubectl = kubectl;
  }

  async make(): Promise<void> {
    const list = await this.#databases.kubectl("a", ["get", ...copied, "-o", "json"]);
    const other = list
      .replaceAll(/postgres-1(?=["\\/-])/g, "postgres-9")
      .replaceAll(/("name": "GENERATION",\s*"value": )"1"/g, '$1"9"');
    const { items } = JSON.parse(other) as { items: KubernetesObject[] };
    await this.#apply({ apiVersion: "v1", kind: "List", items: items.map(fresh) });
  }

  /** Undefined before anybody makes the cluster, empty meanwhile, then its system identifier. */
  async initialize(): Promise<string | undefined> {
    const config = await this.#databases.kubectl("a", ["get", renamed[2]!, "-o", "json"]);
    return (JSON.parse(config) as KubernetesObject).metadata.annotations?.["initialize"];
  }

  async remove(): Promise<void> {
    const all = [...renamed, `pvc/data-${this.member}`];
    for (const suffix of ["leader", "sync", "failover", "failsafe"])
      all.push(`configmap/postgres-9-${suffix}`);
    await this.#databases.kubectl("a", ["delete", "--ignore-not-found", "--wait=false", ...all]);
    await until("the second cluster is gone", 150, async () =>
      (await this.#databases.members("a")).every(({ metadata }) => metadata?.name !== this.member),
    );
  }

  async #apply(objects: object): Promise<void> {
    const place = [`--kubeconfig=${kubeconfigFile}`, `--context=${topology.a.kubeContext}`];
    const words = [...place, "-n", namespace, "apply", "--server-side", "-f", "-"];
    const child = spawn(this.#kubectl, words, { stdio: ["pipe", "ignore", "inherit"] });
    child.stdin.end(JSON.stringify(objects));
    const [code] = (await once(child, "close")) as [number];
    if (code !== 0) throw new Error("kubectl apply failed");
  }
}

/** Without what the API server and Patroni wrote. */
function fresh({ metadata, ...object }: KubernetesObject): object {
  const { labels, annotations } = metadata;
  const name = object.kind.startsWith("Role") ? `${metadata.name}-9` : metadata.name;
  const config = annotations?.["config"];
  return {
    ...object,
    status: undefined,
    metadata: { name, labels, ...(config !== undefined && { annotations: { config } }) },
    ...(object.spec !== undefined && { spec: { ...object.spec, replicas: 1 } }),
    ...(object.roleRef !== undefined && { roleRef: { ...object.roleRef, name } }),
  };
}
