import { inside } from "./folders.ts";
import { type Topology, hosts, nodePodCidr, wan } from "./topology.ts";

/** Settings of the daemons that read files. */

/** kubelet.json */
export function kubeletConfig(region: Topology) {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: region.ip,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${inside.pki}/authority.crt` },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: `${inside.pki}/kubelet-server.crt`,
    tlsPrivateKeyFile: `${inside.pki}/kubelet-server.key`,
    containerRuntimeEndpoint: `unix://${inside.containerd}`,
    cgroupDriver: "cgroupfs",
    failCgroupV1: false,
    failSwapOn: false,
    clusterDNS: [region.dnsIp],
    clusterDomain: "cluster.local",
    resolvConf: `${inside.etc}/resolv.conf`,
    podLogsDir: `${inside.log}/pods`,
    volumePluginDir: "/run/kubelet-volume-plugins",
    seccompDefault: true,
    // Images cannot be pulled again, so none may be collected, however full the disk.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      "memory.available": "100Mi",
      "nodefs.available": "1%",
      "imagefs.available": "1%",
      "nodefs.inodesFree": "1%",
    },
    // Lowering it needs a capability that containers and small virtual machines often lack.
    oomScoreAdj: 0,
    // A boot is over when a heartbeat of its own is seen.
    nodeStatusReportFrequency: "10s",
    nodeStatusUpdateFrequency: "4s",
  };
}

/** kube-proxy.json */
export function kubeProxyConfig(region: Topology) {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    clientConnection: { kubeconfig: `${inside.pki}/kube-proxy.kubeconfig` },
    mode: "iptables",
    clusterCIDR: region.podCidr,
    bindAddress: region.ip,
    healthzBindAddress: "127.0.0.1:10256",
    metricsBindAddress: "127.0.0.1:10249",
    hostnameOverride: region.nodeName,
    nodePortAddresses: [wan.cidr],
    // These limits belong to the whole machine.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    oomScoreAdj: 0,
  };
}

/** The pods' network: a bridge, and a last plugin that holds a pod back until its policy is in force. */
export function cniConfig(region: Topology) {
  return {
    cniVersion: "0.4.0",
    name: "pods",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          dataDir: "/run/cni/addresses",
          ranges: [[{ subnet: nodePodCidr(region) }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
      { type: "region-agent", socket: inside.networkPolicy },
    ],
  };
}

/** containerd.toml */
export function containerdConfig(pauseImage: string): string {
  return `version = 2
root = "${inside.state}/containerd"
state = "/run/containerd/state"
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]

[grpc]
  address = "${inside.containerd}"

[plugins."io.containerd.internal.v1.opt"]
  path = "/run/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  disable_apparmor = true
  # Ports below 1024 without any capability: what newer releases do by default.
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${inside.cniPlugins}"
    conf_dir = "${inside.etc}/cni"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
}

/** /etc/hosts of the node itself. */
export function hostsFile(region: Topology): string {
  const own = { ip: region.ip, name: region.nodeName };
  const lines = [{ ip: "127.0.0.1", name: "localhost" }, own, ...hosts];
  return lines.map(({ ip, name }) => `${ip} ${name}\n`).join("");
}
