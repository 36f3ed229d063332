/** Programs that the regions run, besides the machine's own containerd, runc and CNI plugins. */
export const toolNames = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "kubectl",
  "versitygw",
  "region-agent",
  "pause",
] as const;

/** Absolute path of each program. */
export type RegionTools = Readonly<Record<(typeof toolNames)[number], string>>;

/** Programs that must be on this machine, with the Debian package that brings each. */
export const machinePrograms: Readonly<Record<string, string>> = {
  containerd: "containerd",
  ctr: "containerd",
  runc: "runc",
  iptables: "iptables",
  conntrack: "conntrack",
  nft: "nftables",
  ip: "iproute2",
  nsenter: "util-linux",
  unshare: "util-linux",
  mount: "mount",
  "mkfs.ext4": "e2fsprogs",
  sysctl: "procps",
};

/** Folders where distributions put the standard CNI plugins. */
export const cniFolders = ["/usr/lib/cni", "/opt/cni/bin"] as const;
