import { X509Certificate, createPrivateKey } from "node:crypto";
import { type KeyKind, type KeyPair, type LeafOptions, issue } from "./regions/pki.ts";

/** The part of cert-manager's Certificate that decides what is issued. */
export interface CertificateSpec {
  readonly secretName: string;
  readonly commonName?: string;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usages?: readonly string[];
  readonly duration?: string;
  readonly renewBefore?: string;
  readonly privateKey?: {
    readonly algorithm?: string;
    readonly size?: number;
    readonly encoding?: string;
  };
  readonly issuerRef: { readonly kind?: string; readonly name: string };
}

/** cert-manager's own: 90 days, and a third of the life is left at renewal. */
const defaultDurationMs = 90 * 86_400_000;
const defaultShareLeft = 1 / 3;

const dayMs = 86_400_000;

/** What a Certificate asks for. @throws naming a field that the stand-in does not understand. */
function wanted(spec: CertificateSpec): Omit<LeafOptions, "authority"> {
  const { commonName, dnsNames = [], ipAddresses = [] } = spec;
  if (commonName === undefined && dnsNames.length + ipAddresses.length === 0)
    throw new Error(`certificate for ${spec.secretName} names no host`);
  return {
    ...(commonName !== undefined && { commonName }),
    dnsNames,
    ips: ipAddresses,
    usages: purposesOf(spec),
    key: keyKindOf(spec),
    days: durationMs(spec) / dayMs,
  };
}

const purposes = { "server auth": "server", "client auth": "client" } as const;
const purposeIds = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;

function purposesOf({ usages = [] }: CertificateSpec): ("server" | "client")[] {
  return Object.entries(purposes)
    .filter(([usage]) => usages.includes(usage))
    .map(([, purpose]) => purpose);
}

function keyKindOf({ privateKey, secretName }: CertificateSpec): KeyKind {
  const { algorithm = "RSA", size = algorithm === "RSA" ? 2048 : 256 } = privateKey ?? {};
  if (algorithm === "RSA") return { algorithm, size };
  if (algorithm === "ECDSA" && (size === 256 || size === 384 || size === 521))
    return { algorithm, size };
  throw new Error(
    `certificate for ${secretName}: privateKey must be RSA or ECDSA with 256, 384 or 521 bits, got ${algorithm} ${String(size)}`,
  );
}

const durationMs = ({ duration }: CertificateSpec): number =>
  duration === undefined ? defaultDurationMs : goDuration(duration);

/** Milliseconds of a duration such as 2160h0m0s. */
function goDuration(text: string): number {
  const [, hours = 0, minutes = 0, seconds = 0] =
    /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
  const milliseconds = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  if (milliseconds === 0) throw new Error(`"${text}" is no duration such as 2160h0m0s`);
  return milliseconds;
}

/** A certificate's content as its Secret holds it. */
export interface CertificateFiles {
  readonly "tls.crt": string;
  readonly "tls.key": string;
  readonly "ca.crt": string;
}

/** Issues what the Certificate asks for. */
export async function issueFor(
  spec: CertificateSpec,
  authority: KeyPair,
): Promise<CertificateFiles> {
  const leaf = await issue({ authority, ...wanted(spec) });
  return {
    "tls.crt": leaf.certificate,
    "tls.key": encoded(leaf.key, spec),
    "ca.crt": authority.certificate,
  };
}

/** The key in the form that cert-manager writes: by default the algorithm's own. */
function encoded(pkcs8: string, { privateKey }: CertificateSpec): string {
  if (privateKey?.encoding === "PKCS8") return pkcs8;
  const key = createPrivateKey(pkcs8);
  const type = key.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1";
  return key.export({ type, format: "pem" }).toString();
}

/** Whether the files are what is asked for now, from this authority, and not yet to be renewed. */
export function serves(
  files: CertificateFiles,
  spec: CertificateSpec,
  authority: KeyPair,
): boolean {
  const { commonName, dnsNames = [], ips = [], usages, key } = wanted(spec);
  try {
    const leaf = new X509Certificate(files["tls.crt"]);
    const privateKey = createPrivateKey(files["tls.key"]);
    const { modulusLength, namedCurve = "" } = privateKey.asymmetricKeyDetails ?? {};
    const size = modulusLength ?? Number(/\d{3}/.exec(namedCurve)?.[0]);
    const algorithm = privateKey.asymmetricKeyType === "rsa" ? "RSA" : "ECDSA";
    return (
      same(namesOf(leaf), [...dnsNames, ...ips]) &&
      leaf.subject === (commonName === undefined ? undefined : `CN=${commonName}`) &&
      same(
        leaf.keyUsage ?? [],
        usages.map((usage) => purposeIds[usage]),
      ) &&
      algorithm === key?.algorithm &&
      size === key.size &&
      files["ca.crt"] === authority.certificate &&
      leaf.verify(new X509Certificate(authority.certificate).publicKey) &&
      leaf.checkPrivateKey(privateKey) &&
      !isDue(leaf, spec)
    );
  } catch {
    return false; // nothing that can be read as a certificate and its key
  }
}

/** Whether the time for renewal has come. */
function isDue(leaf: X509Certificate, spec: CertificateSpec): boolean {
  const { renewBefore } = spec;
  const leftMs =
    renewBefore === undefined ? durationMs(spec) * defaultShareLeft : goDuration(renewBefore);
  return leaf.validToDate.getTime() - Date.now() <= leftMs;
}

/** DNS names and IP addresses. */
const namesOf = ({ subjectAltName = "" }: X509Certificate): string[] =>
  subjectAltName
    .split(", ")
    .filter((name) => name !== "")
    .map((name) => name.replace(/^(DNS|IP Address):/, ""));

const same = (one: readonly string[], other: readonly string[]): boolean =>
  one.toSorted().join() === other.toSorted().join();
