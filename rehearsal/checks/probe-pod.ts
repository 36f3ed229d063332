import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import type { Cluster } from "./cluster.ts";
import { accepted, get, pathOf } from "./objects.ts";

export interface Probe {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** An image with bash in it. */
  readonly image: string;
  /** Addresses to connect to, as host:port. */
  readonly targets: readonly string[];
}

/**
 * Tries to connect from a throwaway pod: true for each target that accepted. Rejects when the pod
 * did not run to its end within 45 s. The pod is gone afterwards in every case.
 */
export async function reachableFrom(cluster: Cluster, probe: Probe): Promise<boolean[]> {
  const name = `probe-${randomBytes(4).toString("hex")}`;
  const pods = pathOf("pods", probe.namespace);
  accepted(await cluster.request("POST", pods, probePod(name, probe)), "create the probe pod");
  try {
    await ended(cluster, probe.namespace, name);
    const { status, body } = await cluster.request("GET", `${pods}/${name}/log`);
    if (status !== 200) throw new Error(`cannot read the log of ${name}: ${status}`);
    return probe.targets.map((target) => verdictOn(target, body));
  } finally {
    await cluster.request("DELETE", `${pods}/${name}?gracePeriodSeconds=0`);
  }
}

/** Silence is not proof of being blocked: each target has its own line in the log. */
function verdictOn(target: string, log: string): boolean {
  if (log.includes(`${target} reached\n`)) return true;
  if (log.includes(`${target} blocked\n`)) return false;
  throw new Error(`the probe said nothing about ${target}: ${log.trim().slice(0, 200)}`);
}

async function ended(cluster: Cluster, namespace: string, name: string): Promise<void> {
  const deadline = Date.now() + 45_000;
  for (;;) {
    const { status } = await get<V1Pod>(cluster, "pods", name, namespace);
    if (status?.phase === "Succeeded") return;
    const waiting = status?.containerStatuses?.[0]?.state?.waiting;
    if (status?.phase === "Failed" || Date.now() > deadline) {
      const reason = waiting?.message ?? waiting?.reason ?? status?.message ?? status?.phase;
      throw new Error(`the probe pod did not run: ${reason ?? "no status"}`);
    }
    await sleep(300);
  }
}

/** The first seconds are left out: network policies of a new pod take a moment to be in force. */
const script = `
sleep 3
for target in "$@"; do
  verdict=blocked
  for _ in 1 2 3; do
    if timeout 2 bash -c "exec 3<>/dev/tcp/\${target%:*}/\${target##*:}" 2>/dev/null; then
      verdict=reached
      break
    fi
  done
  echo "$target $verdict"
done
`;

function probePod(name: string, { namespace, labels, image, targets }: Probe): V1Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { ...labels } },
    spec: {
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      activeDeadlineSeconds: 60,
      terminationGracePeriodSeconds: 0,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 10001,
        runAsGroup: 10001,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: "probe",
          image,
          command: ["bash", "-c", script, "probe", ...targets],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          resources: {
            requests: { cpu: "10m", memory: "16Mi", "ephemeral-storage": "1Mi" },
            limits: { cpu: "100m", memory: "32Mi", "ephemeral-storage": "8Mi" },
          },
          // Never ready, so that no Service sends requests here whatever the labels are.
          readinessProbe: { exec: { command: ["false"] } },
        },
      ],
    },
  };
}
