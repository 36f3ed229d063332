import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Secret } from "@kubernetes/client-node";
import {
  type CertificateFiles,
  type CertificateSpec,
  issueFor,
  serves,
} from "./certificate-request.ts";
import type { Cluster } from "./checks/cluster.ts";
import { accepted, find, list, pathOf } from "./checks/objects.ts";
import { createAuthority } from "./regions/pki.ts";
import type { KeyPair } from "./regions/pki.ts";

const pollMs = 300;
/** Passes in a row that have to fail before it is trouble. */
const patience = 5;

/** Secret in cert-manager's namespace that Pulumi.local.yaml names: it stands for the rehearsal's own authority. */
const authoritySecret = "lifeline-ca";

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

interface Issuer extends CustomObject {
  readonly spec?: { readonly ca?: { readonly secretName: string } };
}

interface Certificate extends CustomObject {
  readonly spec: CertificateSpec;
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
  let failed = 0;
  let told = "";
  while (!stopping.aborted) {
    try {
      await fulfil(cluster, authority);
      failed = 0;
      told = "";
    } catch (error) {
      failed += 1;
      const message = `${cluster.context}: ${error instanceof Error ? error.message : String(error)}`;
      // A cluster that has just learned a new kind of object refuses it for a moment.
      if (failed >= patience && message !== told) onTrouble((told = message));
    }
    await sleep(pollMs, undefined, { signal: stopping }).catch(() => undefined);
  }
}

/**
 * One pass over a cluster: afterwards every issuer of the program, and every Certificate that names one of them, is
 * fulfilled. A ClusterIssuer whose Secret exists stands for the rehearsal's own authority, an Issuer for the one in its Secret. Other
 * people's are left alone.
 */
export async function fulfil(cluster: Cluster, authority: KeyPair): Promise<void> {
  const ours = { labels: { "app.kubernetes.io/managed-by": "lifeline" } };
  const authorities = new Map<string, KeyPair>();
  for (const issuer of await list<Issuer>(cluster, "clusterissuers", ours)) {
    const { secretName = authoritySecret } = issuer.spec?.ca ?? {};
    const isKnown = secretName === authoritySecret;
    if (isKnown) authorities.set(keyOf("ClusterIssuer", issuer.metadata.name), authority);
    await mark(
      cluster,
      "clusterissuers",
      issuer,
      isKnown ? ready("IsReady") : noSecret(secretName),
    );
  }
  for (const issuer of await list<Issuer>(cluster, "issuers", ours)) {
    const { name, namespace } = issuer.metadata;
    const own = await authorityOf(cluster, issuer);
    if (own !== undefined) authorities.set(keyOf("Issuer", name, namespace), own);
    await mark(
      cluster,
      "issuers",
      issuer,
      own === undefined ? noKeyPair : ready("KeyPairVerified"),
    );
  }
  for (const certificate of await list<Certificate>(cluster, "certificates", ours)) {
    const { kind = "Issuer", name } = certificate.spec.issuerRef;
    const signer = authorities.get(keyOf(kind, name, certificate.metadata.namespace));
    if (signer !== undefined) await fulfilOne(cluster, certificate, signer);
  }
}

/** Only an Issuer belongs to a namespace. */
const keyOf = (kind: string, name: string, namespace = ""): string =>
  kind === "Issuer" ? `Issuer ${namespace}/${name}` : `${kind} ${name}`;

/** The authority that an Issuer of kind CA signs with; undefined while its Secret does not hold one. */
async function authorityOf(cluster: Cluster, issuer: Issuer): Promise<KeyPair | undefined> {
  const secretName = issuer.spec?.ca?.secretName;
  if (secretName === undefined) return undefined;
  const secret = await find<V1Secret>(cluster, "secrets", secretName, issuer.metadata.namespace);
  const { "tls.crt": certificate, "tls.key": key } = decode(secret);
  return certificate === "" || key === "" ? undefined : { certificate, key };
}

async function fulfilOne(
  cluster: Cluster,
  certificate: Certificate,
  authority: KeyPair,
): Promise<void> {
  const { spec, metadata } = certificate;
  const secret = await find<V1Secret>(cluster, "secrets", spec.secretName, metadata.namespace);
  if (!serves(decode(secret), spec, authority)) {
    await writeSecret(cluster, certificate, await issueFor(spec, authority));
  }
  await mark(cluster, "certificates", certificate, ready("Ready"));
}

function decode(secret: V1Secret | undefined): CertificateFiles {
  const text = (key: string) => Buffer.from(secret?.data?.[key] ?? "", "base64").toString();
  return { "tls.crt": text("tls.crt"), "tls.key": text("tls.key"), "ca.crt": text("ca.crt") };
}

async function writeSecret(
  cluster: Cluster,
  { metadata, spec }: Certificate,
  files: CertificateFiles,
): Promise<void> {
  const { namespace } = metadata;
  const { secretName: name } = spec;
  const path = `${pathOf("secrets", namespace, name)}?fieldManager=cert-manager&force=true`;
  const data = Object.entries(files).map(([key, text]) => [
    key,
    Buffer.from(text as string).toString("base64"),
  ]);
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      namespace,
      annotations: { "cert-manager.io/certificate-name": metadata.name },
    },
    type: "kubernetes.io/tls",
    data: Object.fromEntries(data) as object,
  };
  accepted(await cluster.request("PATCH", path, secret), `write secret ${name}`);
}

type Readiness = Pick<Condition, "status" | "reason"> & { readonly message: string };

const ready = (reason: string): Readiness => ({
  status: "True",
  reason,
  message: "fulfilled by the rehearsal's stand-in for cert-manager",
});

const noSecret = (name: string): Readiness => ({
  status: "False",
  reason: "ErrGetKeyPair",
  message: `Error getting keypair for CA issuer: secret "${name}" not found`,
});

const noKeyPair: Readiness = {
  status: "False",
  reason: "ErrGetKeyPair",
  message: "the Issuer's Secret holds no certificate with its key",
};

async function mark(
  cluster: Cluster,
  kind: "certificates" | "clusterissuers" | "issuers",
  { metadata, status }: CustomObject,
  readiness: Readiness,
): Promise<void> {
  const { name, namespace, generation } = metadata;
  const said = status?.conditions?.find((condition) => condition.type === "Ready");
  if (said?.status === readiness.status && said.observedGeneration === generation) return;
  const condition = {
    type: "Ready",
    ...readiness,
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    observedGeneration: generation,
  };
  const path = `${pathOf(kind, namespace, name)}/status`;
  const answer = await cluster.request("PATCH", path, { status: { conditions: [condition] } });
  accepted(answer, `mark ${kind}/${name}`);
}
