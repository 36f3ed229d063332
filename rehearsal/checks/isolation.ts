import type { V1Pod, V1Service } from "@kubernetes/client-node";
import type { CheckResult } from "../report/evidence.ts";
import { check } from "./check.ts";
import { get, messageOf, pathOf } from "./objects.ts";
import { reachableFrom } from "./probe-pod.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

/** Labels of the smoke job, which may ask the database and which no Service selects. */
const permitted = {
  "app.kubernetes.io/name": "smoke",
  "app.kubernetes.io/component": "smoke",
};
const unknown = { "app.kubernetes.io/name": "probe", "app.kubernetes.io/component": "probe" };

const connects = (may: boolean) => (may ? "reached" : "blocked");

/** Who may not connect to Postgres cannot, and who may can: else the first would prove nothing. */
export function databaseIsolation(
  region: RegionUnderTest,
  subject: Subject,
): Promise<CheckResult[]> {
  const inside = subject.namespace;
  return Promise.all([
    connection(region, subject, "A pod with the right label", inside, permitted, true),
    connection(region, subject, "A pod without the right label", inside, unknown, false),
    foreignConnection(region, subject),
  ]);
}

function connection(
  region: RegionUnderTest,
  subject: Subject,
  who: string,
  namespace: string,
  labels: Record<string, string>,
  may: boolean,
): Promise<CheckResult> {
  const name = `${who} ${may ? "reaches" : "cannot reach"} Postgres`;
  return check({ name, region: region.name, withinSeconds: 70 }, async () => {
    const target = await database(region, subject);
    const { image } = subject.postgres;
    const [reached = false] = await reachableFrom(region.cluster, {
      namespace,
      labels,
      image,
      targets: [target],
    });
    return {
      ok: reached === may,
      expected: connects(may),
      measured: connects(reached),
      detail: target,
    };
  });
}

/** In a namespace without network policies only Postgres's own policy can be what blocks. */
function foreignConnection(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const name = "A pod of another namespace cannot reach Postgres";
  return check({ name, region: region.name, withinSeconds: 70 }, async () => {
    const control = await serviceAddress(region, "kubernetes", "default", 443);
    const [free, reached] = await reachableFrom(region.cluster, {
      namespace: "default",
      labels: permitted,
      image: subject.postgres.image,
      targets: [control, await database(region, subject)],
    });
    return {
      ok: free === true && reached === false,
      expected: "the API server reached, Postgres blocked",
      measured: `the API server ${connects(free === true)}, Postgres ${connects(reached === true)}`,
    };
  });
}

function database(region: RegionUnderTest, { namespace }: Subject): Promise<string> {
  return serviceAddress(region, "postgres", namespace, 5432);
}

/** The address itself, so that a refused DNS lookup is not mistaken for a refused connection. */
async function serviceAddress(
  { cluster }: RegionUnderTest,
  name: string,
  namespace: string,
  port: number,
): Promise<string> {
  const { spec } = await get<V1Service>(cluster, "services", name, namespace);
  if (spec?.clusterIP === undefined || spec.clusterIP === "None") {
    throw new Error(`service ${name} has no cluster address`);
  }
  return `${spec.clusterIP}:${port}`;
}

/** The API server refuses a pod that breaks the restricted standard, and says that this is why. */
export function unsafePodRefused(
  { name, cluster }: RegionUnderTest,
  { namespace, postgres }: Subject,
): Promise<CheckResult> {
  const pod: V1Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "probe-unsafe", namespace },
    spec: {
      // Not `privileged`: an API server may refuse that by its own flag, before any standard is asked.
      hostNetwork: true,
      hostPID: true,
      containers: [
        {
          name: "probe",
          image: postgres.image,
          resources: {
            requests: { cpu: "10m", memory: "16Mi", "ephemeral-storage": "1Mi" },
            limits: { cpu: "10m", memory: "16Mi", "ephemeral-storage": "1Mi" },
          },
        },
      ],
    },
  };
  return check(
    { name: "A pod that breaks the restricted standard is refused", region: name },
    async () => {
      // A dry run passes all of admission and leaves nothing behind, even where it is let through.
      const answer = await cluster.request("POST", `${pathOf("pods", namespace)}?dryRun=All`, pod);
      const message = messageOf(answer);
      return {
        ok: answer.status === 403 && message.includes('violates PodSecurity "restricted'),
        expected: "403, violates PodSecurity restricted",
        measured: `${answer.status}${answer.status < 300 ? ", accepted" : `, ${message.slice(0, 160)}`}`,
      };
    },
  );
}
