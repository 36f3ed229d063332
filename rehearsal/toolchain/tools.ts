import { join } from "node:path";
import { repository } from "../paths.ts";

/** A processor as Go and most publishers name it. */
export type Cpu = "amd64" | "arm64";

export interface Download {
  readonly url: string;
  /** Address of the publisher's SHA-256 list: lines of `<hash> <file>`, or the hash alone. */
  readonly checksums: string;
  /** Which binary it yields: the file itself, or, for a .tar.gz, the member at `member`. */
  readonly binary: string;
  readonly member?: string;
}

export interface Tool {
  readonly name: string;
  /** Version of the Go module and of the release; `own` for programs of this repository. */
  readonly version: string;
  /** Folder with the go.mod that names every module by version. */
  readonly folder: string;
  /** What `go build` is asked for, in `folder`. */
  readonly package: string;
  readonly ldflags: string;
  /** Executables by name. The arguments make one print its version; without them it is never looked for on the machine. */
  readonly binaries: Readonly<Record<string, { readonly versionArguments?: readonly string[] }>>;
  /** Official releases, where the publisher makes one that serves. */
  readonly downloads?: (cpu: Cpu) => readonly Download[];
}

const kubernetesVersion = "v1.34.4";
const pulumiVersion = "v3.256.0";
const etcdVersion = "v3.6.5";
const versitygwVersion = "v1.8.0";
const traefikVersion = "v3.5.4";
const helmVersion = "v3.22.0";
const stripped = "-s -w";

const [kubernetesMajor = "", kubernetesMinor = ""] = kubernetesVersion.slice(1).split(".");

// Without these the API server reports a placeholder that clients cannot parse.
const kubernetesStamp = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
  .flatMap((path) => [
    `-X ${path}.gitVersion=${kubernetesVersion}`,
    `-X ${path}.gitMajor=${kubernetesMajor}`,
    `-X ${path}.gitMinor=${kubernetesMinor}`,
    `-X ${path}.gitTreeState=clean`,
  ])
  .join(" ");

const kubernetesBinaries = {
  "kube-apiserver": { versionArguments: ["--version"] },
  "kube-controller-manager": { versionArguments: ["--version"] },
  "kube-scheduler": { versionArguments: ["--version"] },
  "kube-proxy": { versionArguments: ["--version"] },
  kubelet: { versionArguments: ["--version"] },
  kubectl: { versionArguments: ["version", "--client"] },
};

const folderOf = (name: string) => join(repository, "tools", name);

/** Every program a rehearsal or a measurement runs that no Debian package brings; those without a download come first: they need Go. */
export const tools = [
  {
    name: "pause",
    version: "own",
    folder: folderOf("pause"),
    package: ".",
    ldflags: stripped,
    binaries: { pause: {} },
  },
  {
    name: "region-agent",
    version: "own",
    folder: folderOf("region-agent"),
    package: ".",
    ldflags: stripped,
    binaries: { "region-agent": {} },
  },
  {
    // Our own selection of plugins, so neither a release nor an installed one serves.
    name: "coredns",
    version: "v1.12.4",
    folder: folderOf("coredns"),
    package: ".",
    ldflags: stripped,
    binaries: { coredns: {} },
  },
  {
    name: "versitygw",
    version: versitygwVersion,
    folder: folderOf("versitygw"),
    package: "tool",
    ldflags: stripped,
    binaries: { versitygw: { versionArguments: ["--version"] } },
    downloads: (cpu: Cpu) => {
      const archive = `versitygw_${versitygwVersion}_Linux_${cpu === "amd64" ? "x86_64" : cpu}`;
      const release = `https://github.com/versity/versitygw/releases/download/${versitygwVersion}`;
      return [
        {
          url: `${release}/${archive}.tar.gz`,
          checksums: `${release}/checksums.txt`,
          binary: "versitygw",
          member: `${archive}/versitygw`,
        },
      ];
    },
  },
  {
    name: "etcd",
    version: etcdVersion,
    folder: folderOf("etcd"),
    package: "go.etcd.io/etcd/server/v3",
    ldflags: stripped,
    binaries: { etcd: { versionArguments: ["--version"] } },
    downloads: (cpu: Cpu) => {
      const archive = `etcd-${etcdVersion}-linux-${cpu}`;
      const release = `https://github.com/etcd-io/etcd/releases/download/${etcdVersion}`;
      return [
        {
          url: `${release}/${archive}.tar.gz`,
          checksums: `${release}/SHA256SUMS`,
          binary: "etcd",
          member: `${archive}/etcd`,
        },
      ];
    },
  },
  {
    name: "kubernetes",
    version: kubernetesVersion,
    folder: folderOf("kubernetes"),
    package: "tool",
    ldflags: `${stripped} ${kubernetesStamp}`,
    binaries: kubernetesBinaries,
    downloads: (cpu: Cpu) =>
      Object.keys(kubernetesBinaries).map((binary) => {
        const url = `https://dl.k8s.io/release/${kubernetesVersion}/bin/linux/${cpu}/${binary}`;
        return { url, checksums: `${url}.sha256`, binary };
      }),
  },
  {
    name: "pulumi",
    version: pulumiVersion,
    folder: folderOf("pulumi"),
    package: "tool",
    // Without a version the Automation API refuses the CLI.
    ldflags: `${stripped} -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${pulumiVersion}`,
    binaries: { pulumi: { versionArguments: ["version"] } },
    downloads: (cpu: Cpu) => [
      {
        url: `https://get.pulumi.com/releases/sdk/pulumi-${pulumiVersion}-linux-${cpu === "amd64" ? "x64" : cpu}.tar.gz`,
        checksums: `https://github.com/pulumi/pulumi/releases/download/${pulumiVersion}/pulumi-${pulumiVersion.slice(1)}-checksums.txt`,
        binary: "pulumi",
        member: "pulumi/pulumi",
      },
    ],
  },
  {
    name: "traefik",
    version: traefikVersion,
    folder: folderOf("traefik"),
    package: "tool",
    ldflags: stripped,
    binaries: { traefik: { versionArguments: ["version"] } },
    downloads: (cpu: Cpu) => {
      const release = `https://github.com/traefik/traefik/releases/download/${traefikVersion}`;
      return [
        {
          url: `${release}/traefik_${traefikVersion}_linux_${cpu}.tar.gz`,
          checksums: `${release}/traefik_${traefikVersion}_checksums.txt`,
          binary: "traefik",
          member: "traefik",
        },
      ];
    },
  },
  {
    name: "helm",
    version: helmVersion,
    folder: folderOf("helm"),
    package: "helm.sh/helm/v3/cmd/helm",
    ldflags: `${stripped} -X helm.sh/helm/v3/internal/version.version=${helmVersion}`,
    binaries: { helm: { versionArguments: ["version", "--short"] } },
    downloads: (cpu: Cpu) => {
      const url = `https://get.helm.sh/helm-${helmVersion}-linux-${cpu}.tar.gz`;
      return [{ url, checksums: `${url}.sha256sum`, binary: "helm", member: `linux-${cpu}/helm` }];
    },
  },
] as const satisfies readonly Tool[];

export type ToolName = (typeof tools)[number]["name"];

/** Those that no rehearsal runs: its figures are measured beside theirs. */
export const comparedTools = ["helm"] as const satisfies readonly ToolName[];

/** What a rehearsal runs. */
export type RehearsalToolName = Exclude<ToolName, (typeof comparedTools)[number]>;

/** Executables that the named tools bring. */
export type BinaryOf<Name extends ToolName> = Name extends ToolName
  ? keyof Extract<(typeof tools)[number], { readonly name: Name }>["binaries"] & string
  : never;

export type BinaryName = BinaryOf<RehearsalToolName>;
