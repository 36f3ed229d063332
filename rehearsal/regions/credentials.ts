import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kubeconfigFile } from "../paths.ts";
import { foldersOf, regionsFolder, s3AuthorityFile } from "./folders.ts";
import { type KeyPair, type LeafOptions, createAuthority, issue } from "./pki.ts";
import { writeWhole } from "./s3-access.ts";
import { type Topology, ports, regions } from "./topology.ts";

const validityDays = 365;

/** Who talks to the API server: user name and groups, as RBAC and the node authorizer know them. */
const clients = (
  region: Topology,
): Readonly<Record<string, { user: string; groups?: readonly string[] }>> => ({
  admin: { user: "lifeline-admin", groups: ["system:masters"] },
  "kube-controller-manager": { user: "system:kube-controller-manager" },
  "kube-scheduler": { user: "system:kube-scheduler" },
  "kube-proxy": { user: "system:kube-proxy" },
  kubelet: { user: `system:node:${region.nodeName}`, groups: ["system:nodes"] },
  "network-policy": { user: "lifeline-network-policy" },
  volumes: { user: "lifeline-volumes" },
});

/**
 * Makes what is missing of the regions' keys and certificates, and the merged kubeconfig.
 * Existing ones are kept: state in etcd and on disks was made with them.
 */
export async function ensureCredentials(): Promise<void> {
  const s3Authority = await ensureS3Authority();
  await Promise.all(regions.map((region) => ensureRegionCredentials(region, s3Authority)));
  writeWhole(kubeconfigFile, mergedKubeconfig(), 0o600);
}

async function ensureS3Authority(): Promise<KeyPair> {
  const keyFile = join(regionsFolder, "s3-authority.key");
  if (!existsSync(keyFile) || !existsSync(s3AuthorityFile)) {
    const authority = await createAuthority("Lifeline rehearsal S3");
    writeWhole(s3AuthorityFile, authority.certificate, 0o644);
    writeWhole(keyFile, authority.key, 0o600);
  }
  return { certificate: readFileSync(s3AuthorityFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}

async function ensureRegionCredentials(region: Topology, s3Authority: KeyPair): Promise<void> {
  const { pki } = foldersOf(region);
  const complete = join(pki, "complete");
  // The S3 certificate follows its authority, which is shared by the regions.
  if (existsSync(complete) && readFileSync(complete, "utf8") === s3Authority.certificate) return;

  const authority = await createAuthority(`Lifeline ${region.awsRegion}`);
  const save = (name: string, pair: KeyPair) => {
    writeWhole(join(pki, `${name}.crt`), pair.certificate, 0o644);
    writeWhole(join(pki, `${name}.key`), pair.key, 0o600);
  };
  save("authority", authority);
  const leaf = (options: Omit<LeafOptions, "authority" | "days">) =>
    issue({ authority, days: validityDays, ...options });

  save(
    "kube-apiserver",
    await leaf({
      commonName: "kube-apiserver",
      dnsNames: [
        "localhost",
        region.host,
        ...inClusterNames("kubernetes.default.svc.cluster.local"),
      ],
      ips: ["127.0.0.1", region.ip, region.apiServiceIp],
      usages: ["server"],
    }),
  );
  save(
    "kubelet-server",
    await leaf({
      commonName: region.nodeName,
      dnsNames: [region.nodeName],
      ips: [region.ip],
      usages: ["server"],
    }),
  );
  save(
    "kubelet-client",
    await leaf({
      commonName: "kube-apiserver",
      organizations: ["system:masters"],
      usages: ["client"],
    }),
  );
  for (const [name, { user, groups }] of Object.entries(clients(region))) {
    const pair = await leaf({ commonName: user, organizations: groups ?? [], usages: ["client"] });
    const server =
      name === "admin" ? region.apiServer : `https://127.0.0.1:${String(ports.apiServer)}`;
    const kubeconfig = kubeconfigOf([{ region, server, authority: authority.certificate, pair }]);
    writeWhole(join(pki, `${name}.kubeconfig`), kubeconfig, 0o600);
  }
  const s3 = region.s3.host;
  save(
    "s3",
    await issue({
      authority: s3Authority,
      commonName: s3,
      dnsNames: [s3, `*.${s3}`],
      ips: [region.ip],
      usages: ["server"],
      days: validityDays,
    }),
  );
  const serviceAccounts = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeWhole(
    join(pki, "service-accounts.key"),
    serviceAccounts.privateKey.export({ type: "sec1", format: "pem" }).toString(),
    0o600,
  );
  writeWhole(
    join(pki, "service-accounts.pub"),
    serviceAccounts.publicKey.export({ type: "spki", format: "pem" }).toString(),
    0o644,
  );
  writeWhole(complete, s3Authority.certificate, 0o644);
}

/** Every prefix by which a Service is called, from its short name to its full one. */
export function inClusterNames(full: string): string[] {
  const parts = full.split(".");
  return [1, 2, 3, parts.length].map((count) => parts.slice(0, count).join("."));
}

interface KubeconfigEntry {
  readonly region: Topology;
  readonly server: string;
  /** PEM */
  readonly authority: string;
  readonly pair: KeyPair;
}

/** A kubeconfig with one context per entry, named as the region's; JSON is YAML. */
export function kubeconfigOf(entries: readonly KubeconfigEntry[]): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const names = entries.map(({ region }) => region.kubeContext);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": names[0],
    clusters: entries.map(({ region, server, authority }) => ({
      name: region.kubeContext,
      cluster: { server, "certificate-authority-data": base64(authority) },
    })),
    users: entries.map(({ region, pair }) => ({
      name: region.kubeContext,
      user: {
        "client-certificate-data": base64(pair.certificate),
        "client-key-data": base64(pair.key),
      },
    })),
    contexts: names.map((name) => ({ name, context: { cluster: name, user: name } })),
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Both administrators in one file. */
function mergedKubeconfig(): string {
  type Lists = Record<"clusters" | "users" | "contexts", unknown[]>;
  const files = regions.map((region) => {
    const file = join(foldersOf(region).pki, "admin.kubeconfig");
    return JSON.parse(readFileSync(file, "utf8")) as Lists & { readonly "current-context": string };
  });
  const joined = (list: keyof Lists) => files.flatMap((file) => file[list]);
  const [first] = files;
  return `${JSON.stringify({ ...first, clusters: joined("clusters"), users: joined("users"), contexts: joined("contexts") }, undefined, 2)}\n`;
}
