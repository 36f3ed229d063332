import { inside } from "./folders.ts";
import type { S3Credentials } from "./s3-access.ts";
import { type Topology, ports } from "./topology.ts";

/** One process of a region; tools/region-agent/internal/supervise/plan.go says what each field does. */
export interface Daemon {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly after?: readonly string[];
  readonly ready?: string;
  readonly stopsPods?: boolean;
}

export interface DaemonPlan {
  readonly logFolder: string;
  readonly containerRuntime: string;
  readonly authority: string;
  /** In the order of their start; they stop in the reverse order. */
  readonly daemons: readonly Daemon[];
}

const etcd = "http://127.0.0.1:2379";
const etcdPeer = "http://127.0.0.1:2380";
const localApiServer = `https://127.0.0.1:${String(ports.apiServer)}`;

/** What a region runs. */
export function daemonPlan(region: Topology, administrator: S3Credentials): DaemonPlan {
  const afterApi = ["kube-apiserver"];
  return {
    logFolder: inside.log,
    containerRuntime: inside.containerd,
    authority: pki("authority.crt"),
    daemons: [
      { name: "etcd", command: etcdCommand(region), ready: "tcp:127.0.0.1:2379" },
      {
        name: "containerd",
        command: ["containerd", "--config", `${inside.etc}/containerd.toml`],
        ready: `unix:${inside.containerd}`,
      },
      // Started beside etcd, which it waits for by itself: most of its start needs no store.
      {
        name: "kube-apiserver",
        command: apiServerCommand(region),
        ready: `${localApiServer}/readyz`,
      },
      {
        name: "s3",
        command: s3Command(region),
        environment: {
          ROOT_ACCESS_KEY: administrator.accessKey,
          ROOT_SECRET_KEY: administrator.secretKey,
        },
      },
      {
        name: "network-policy",
        command: [
          tool("region-agent"),
          "netpol",
          "--kubeconfig",
          kubeconfig("network-policy"),
          "--socket",
          inside.networkPolicy,
        ],
        after: afterApi,
      },
      {
        name: "kube-controller-manager",
        command: controllerManagerCommand(region),
        after: afterApi,
      },
      { name: "kube-scheduler", command: schedulerCommand(), after: afterApi },
      {
        name: "kube-proxy",
        command: [tool("kube-proxy"), "--config", `${inside.etc}/kube-proxy.json`, "--v=1"],
        after: afterApi,
      },
      { name: "volumes", command: volumesCommand(region), after: afterApi },
      {
        name: "kubelet",
        command: kubeletCommand(region),
        after: ["kube-apiserver", "containerd"],
        stopsPods: true,
      },
    ],
  };
}

const tool = (name: string): string => `${inside.tools}/${name}`;
const pki = (file: string): string => `${inside.pki}/${file}`;
const kubeconfig = (user: string): string => pki(`${user}.kubeconfig`);

const etcdCommand = (region: Topology): string[] => [
  tool("etcd"),
  `--name=${region.nodeName}`,
  `--data-dir=${inside.state}/etcd`,
  `--listen-client-urls=${etcd}`,
  `--advertise-client-urls=${etcd}`,
  `--listen-peer-urls=${etcdPeer}`,
  `--initial-advertise-peer-urls=${etcdPeer}`,
  `--initial-cluster=${region.nodeName}=${etcdPeer}`,
  // A rehearsal may lose its last second to a power cut; it may not wait for the disk.
  "--unsafe-no-fsync",
  "--log-level=warn",
];

const apiServerCommand = (region: Topology): string[] => [
  tool("kube-apiserver"),
  `--etcd-servers=${etcd}`,
  "--bind-address=0.0.0.0",
  `--secure-port=${String(ports.apiServer)}`,
  `--advertise-address=${region.ip}`,
  `--service-cluster-ip-range=${region.serviceCidr}`,
  `--tls-cert-file=${pki("kube-apiserver.crt")}`,
  `--tls-private-key-file=${pki("kube-apiserver.key")}`,
  `--client-ca-file=${pki("authority.crt")}`,
  `--kubelet-client-certificate=${pki("kubelet-client.crt")}`,
  `--kubelet-client-key=${pki("kubelet-client.key")}`,
  `--kubelet-certificate-authority=${pki("authority.crt")}`,
  "--kubelet-preferred-address-types=InternalIP",
  `--service-account-key-file=${pki("service-accounts.pub")}`,
  `--service-account-signing-key-file=${pki("service-accounts.key")}`,
  "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
  "--authorization-mode=Node,RBAC",
  "--enable-admission-plugins=NodeRestriction",
  "--allow-privileged=true",
  "--profiling=false",
  "--v=1",
];

const s3Command = (region: Topology): string[] => [
  tool("versitygw"),
  `--port=${region.ip}:${String(region.s3.port)}`,
  `--cert=${pki("s3.crt")}`,
  `--key=${pki("s3.key")}`,
  `--region=${region.s3.region}`,
  `--iam-dir=${inside.etc}/s3`,
  // A revoked account is refused at once.
  "--iam-cache-disable",
  "posix",
  `${inside.state}/s3`,
];

/** Credentials of a component that also asks the API server who may ask it. */
const credentials = (user: string): string[] => [
  `--kubeconfig=${kubeconfig(user)}`,
  `--authentication-kubeconfig=${kubeconfig(user)}`,
  `--authorization-kubeconfig=${kubeconfig(user)}`,
  "--bind-address=127.0.0.1",
  "--leader-elect=false",
  "--v=1",
];

const controllerManagerCommand = (region: Topology): string[] => [
  tool("kube-controller-manager"),
  ...credentials("kube-controller-manager"),
  "--use-service-account-credentials",
  `--service-account-private-key-file=${pki("service-accounts.key")}`,
  `--root-ca-file=${pki("authority.crt")}`,
  "--allocate-node-cidrs=true",
  `--cluster-cidr=${region.podCidr}`,
  "--node-cidr-mask-size=24",
  `--service-cluster-ip-range=${region.serviceCidr}`,
  // The default of 15 s would be most of a go-live: replicas come from the autoscaler's minimum.
  "--horizontal-pod-autoscaler-sync-period=2s",
];

const schedulerCommand = (): string[] => [tool("kube-scheduler"), ...credentials("kube-scheduler")];

const volumesCommand = (region: Topology): string[] => [
  tool("region-agent"),
  "volumes",
  `--kubeconfig=${kubeconfig("volumes")}`,
  `--root=${inside.state}/volumes`,
  `--node=${region.nodeName}`,
  "--provisioner=lifeline.test/volumes",
];

const kubeletCommand = (region: Topology): string[] => [
  tool("kubelet"),
  `--config=${inside.etc}/kubelet.json`,
  `--kubeconfig=${kubeconfig("kubelet")}`,
  `--root-dir=${inside.state}/kubelet`,
  `--hostname-override=${region.nodeName}`,
  `--node-ip=${region.ip}`,
  // Matches what a cloud's node would say, for the workloads' topology spread.
  `--node-labels=topology.kubernetes.io/region=${region.awsRegion},topology.kubernetes.io/zone=${region.awsRegion}a`,
  "--v=1",
];
