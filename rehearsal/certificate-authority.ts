import { X509Certificate, createPrivateKey } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Secret } from "@kubernetes/client-node";
import type { Cluster } from "./checks/cluster.ts";
import { accepted, find, list, pathOf } from "./checks/objects.ts";
import { createAuthority, issue } from "./regions/pki.ts";
import type { KeyPair } from "./regions/pki.ts";

/** Days of validity of what is issued, and how many of them are left when it is renewed. */
const validity = { days: 90, renewBeforeDays: 30 } as const;

const pollMs = 300;
const dayMs = 86_400_000;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly observedGeneration?: number;
}

interface CustomObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly generation: number;
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface Certificate extends CustomObject {
  readonly spec: {
    readonly secretName: string;
    readonly dnsNames?: readonly string[];
    readonly issuerRef: { readonly kind?: string; readonly name: string };
  };
}

/** Stands in for cert-manager's controller, with a local authority in place of a public one. */
export interface CertificateAuthority {
  /** PEM certificate that clients of the rehearsal trust. */
  readonly certificate: string;
  /** Fulfils the program's Certificates in every cluster until stopped; one out of reach is tried again. */
  start(): void;
  /** Resolves when nothing is being written any more. */
  stop(): Promise<void>;
}

/**
 * Opens the authority kept in `folder`, or makes one there; only its owner can read the key.
 * `onTrouble` hears each new problem of a cluster once.
 */
export async function openCertificateAuthority(
  folder: string,
  clusters: readonly Cluster[],
  onTrouble: (message: string) => void,
): Promise<CertificateAuthority> {
  const authority = await openAuthority(folder);
  const certificateFile = join(folder, "certificate-authority.crt");
  writeFileSync(certificateFile, authority.certificate);
  // The gate outside the cluster is a process of its own: what this process starts trusts the authority.
  process.env["NODE_EXTRA_CA_CERTS"] = certificateFile;
  const stopping = new AbortController();
  let loops: Promise<void>[] = [];
  return {
    certificate: authority.certificate,
    start() {
      if (loops.length > 0) throw new Error("the certificate authority is already started");
      loops = clusters.map((cluster) => serve(cluster, authority, stopping.signal, onTrouble));
    },
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

async function openAuthority(folder: string): Promise<KeyPair> {
  const file = join(folder, "certificate-authority.json");
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as KeyPair;
  const authority = await createAuthority("Lifeline rehearsal");
  mkdirSync(folder, { recursive: true });
  // Renamed into place: certificate and key appear together or not at all.
  writeFileSync(`${file}.new`, JSON.stringify(authority), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return authority;
}

async function serve(
  cluster: Cluster,
  authority: KeyPair,
  stopping: AbortSignal,
  onTrouble: (message: string) => void,
): Promise<void> {
  let trouble = "";
  while (!stopping.aborted) {
    try {
      await fulfil(cluster, authority);
      trouble = "";
    } catch (error) {
      const message = `${cluster.context}: ${error instanceof Error ? error.message : String(error)}`;
      if (message !== trouble) onTrouble(message);
      trouble = message;
    }
    await sleep(pollMs, undefined, { signal: stopping }).catch(() => undefined);
  }
}

/**
 * One pass over a cluster: afterwards every ClusterIssuer of the program, and every Certificate
 * that names one of them, is fulfilled. Other people's are left alone.
 */
export async function fulfil(cluster: Cluster, authority: KeyPair): Promise<void> {
  const ours = { labels: { "app.kubernetes.io/managed-by": "lifeline" } };
  const issuers = await list<CustomObject>(cluster, "clusterissuers", ours);
  for (const issuer of issuers) await markReady(cluster, "clusterissuers", issuer, "IsReady");

  const names = new Set(issuers.map((issuer) => issuer.metadata.name));
  for (const certificate of await list<Certificate>(cluster, "certificates", ours)) {
    const { secretName, dnsNames = [], issuerRef } = certificate.spec;
    if (issuerRef.kind !== "ClusterIssuer" || !names.has(issuerRef.name)) continue;
    const { namespace } = certificate.metadata;
    const secret = await find<V1Secret>(cluster, "secrets", secretName, namespace);
    if (!serves(secret, dnsNames, authority)) {
      await writeSecret(cluster, certificate, authority);
    }
    await markReady(cluster, "certificates", certificate, "Ready");
  }
}

/** Whether the secret holds what was asked for, from this authority, for long enough. */
function serves(
  secret: V1Secret | undefined,
  dnsNames: readonly string[],
  authority: KeyPair,
): boolean {
  const decode = (key: string) => Buffer.from(secret?.data?.[key] ?? "", "base64").toString();
  try {
    const leaf = new X509Certificate(decode("tls.crt"));
    const names = leaf.subjectAltName?.split(", ").map((name) => name.replace(/^DNS:/, "")) ?? [];
    return (
      names.toSorted().join() === dnsNames.toSorted().join() &&
      leaf.verify(new X509Certificate(authority.certificate).publicKey) &&
      leaf.checkPrivateKey(createPrivateKey(decode("tls.key"))) &&
      leaf.validToDate.getTime() - Date.now() > validity.renewBeforeDays * dayMs
    );
  } catch {
    return false; // nothing that can be read as a certificate and its key
  }
}

async function writeSecret(
  cluster: Cluster,
  { metadata, spec }: Certificate,
  authority: KeyPair,
): Promise<void> {
  const { secretName: name, dnsNames = [] } = spec;
  const { namespace } = metadata;
  const [commonName] = dnsNames;
  if (commonName === undefined) throw new Error(`certificate ${metadata.name} names no host`);
  const leaf = await issue({
    authority,
    commonName,
    dnsNames,
    days: validity.days,
    usages: ["server"],
  });
  const encode = (text: string) => Buffer.from(text).toString("base64");
  const path = `${pathOf("secrets", namespace, name)}?fieldManager=cert-manager&force=true`;
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      namespace,
      annotations: { "cert-manager.io/certificate-name": metadata.name },
    },
    type: "kubernetes.io/tls",
    data: {
      "tls.crt": encode(leaf.certificate),
      "tls.key": encode(leaf.key),
      "ca.crt": encode(authority.certificate),
    },
  };
  accepted(await cluster.request("PATCH", path, secret), `write secret ${name}`);
}

async function markReady(
  cluster: Cluster,
  kind: "certificates" | "clusterissuers",
  { metadata, status }: CustomObject,
  reason: string,
): Promise<void> {
  const { name, namespace, generation } = metadata;
  const ready = status?.conditions?.find((condition) => condition.type === "Ready");
  if (ready?.status === "True" && ready.observedGeneration === generation) return;
  const condition = {
    type: "Ready",
    status: "True",
    reason,
    message: "fulfilled by the rehearsal's stand-in for cert-manager",
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    observedGeneration: generation,
  };
  const path = `${pathOf(kind, namespace, name)}/status`;
  const answer = await cluster.request("PATCH", path, { status: { conditions: [condition] } });
  accepted(answer, `mark ${kind}/${name} ready`);
}
