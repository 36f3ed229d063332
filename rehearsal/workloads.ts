import type { V1Deployment, V1StatefulSet } from "@kubernetes/client-node";
import type { Config } from "../config/schema.ts";
import type { Cluster } from "./checks/cluster.ts";
import { find, list } from "./checks/objects.ts";
import { labelsOf } from "./checks/subject.ts";
import type { RegionEvidence } from "./report/evidence.ts";

type Workloads = NonNullable<RegionEvidence["workloads"]>;

/** Ready and desired pods of each part in one region; null when the cluster does not answer. */
export async function readWorkloads(
  cluster: Cluster | undefined,
  config: Config,
): Promise<Workloads | null> {
  if (cluster === undefined) return null;
  const deployment = (name: "backend" | "frontend") =>
    find<V1Deployment>(cluster, "deployments", name, config.namespace);
  try {
    const [gateways, frontend, backend, postgres] = await Promise.all([
      list<V1Deployment>(cluster, "deployments", {
        namespace: config.gateway.namespace,
        labels: config.gateway.podLabels,
      }),
      deployment("frontend"),
      deployment("backend"),
      list<V1StatefulSet>(cluster, "statefulsets", {
        namespace: config.namespace,
        labels: labelsOf("database"),
      }),
    ]);
    return {
      gateway: counts(gateways[0]),
      frontend: counts(frontend),
      backend: counts(backend),
      // Earlier generations of the data have no members.
      postgres: counts(postgres.find(({ spec }) => spec?.replicas !== 0)),
    };
  } catch {
    return null;
  }
}

const counts = (workload: V1Deployment | V1StatefulSet | undefined) => ({
  ready: workload?.status?.readyReplicas ?? 0,
  desired: workload?.spec?.replicas ?? 0,
});
