import "reflect-metadata";
import { createPrivateKey, randomBytes, webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** A certificate and its key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** The kinds of keys that certificates are issued for. */
export type KeyKind =
  | { readonly algorithm: "ECDSA"; readonly size: 256 | 384 | 521 }
  | { readonly algorithm: "RSA"; readonly size: number };

export interface LeafOptions {
  /** Its key may be of any kind, in any PEM form. */
  readonly authority: KeyPair;
  /** @default ECDSA with 256 bits */
  readonly key?: KeyKind;
  /** Absent: the certificate has names only. */
  readonly commonName?: string;
  /** Kubernetes reads these as groups. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ips?: readonly string[];
  /** None: the certificate is not bound to a purpose. */
  readonly usages: readonly ("server" | "client")[];
  /** Days of validity from now. */
  readonly days: number;
}

const defaultKey: KeyKind = { algorithm: "ECDSA", size: 256 };
const dayMs = 86_400_000;
/** Clocks of other machines may be a little behind. */
const skewMs = 300_000;
const authorityDays = 3650;

/** Makes a certificate authority, valid for ten years. */
export async function createAuthority(commonName: string): Promise<KeyPair> {
  const keys = await generateKeys(defaultKey);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      ...validity(authorityDays),
      serialNumber: serialNumber(),
      name: [{ CN: [commonName] }],
      keys,
      signingAlgorithm: signingAlgorithm(keys.privateKey),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(
          KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
          true,
        ),
      ],
    },
    webcrypto,
  );
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

/** Issues a certificate for a server, a client or both; its key is PKCS #8. */
export async function issue(options: LeafOptions): Promise<KeyPair> {
  const { key = defaultKey, commonName } = options;
  const keys = await generateKeys(key);
  const signingKey = await importKey(options.authority.key);
  const issuer = new X509Certificate(options.authority.certificate);
  const usages = { server: ExtendedKeyUsage.serverAuth, client: ExtendedKeyUsage.clientAuth };
  const names = [
    ...(options.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(options.ips ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const certificate = await X509CertificateGenerator.create(
    {
      ...validity(options.days),
      serialNumber: serialNumber(),
      subject: [
        ...(options.organizations ?? []).map((organization) => ({ O: [organization] })),
        ...(commonName === undefined ? [] : [{ CN: [commonName] }]),
      ],
      issuer: issuer.subjectName,
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: signingAlgorithm(signingKey),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(
          key.algorithm === "RSA"
            ? KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment
            : KeyUsageFlags.digitalSignature,
          true,
        ),
        ...(options.usages.length > 0
          ? [new ExtendedKeyUsageExtension(options.usages.map((usage) => usages[usage]))]
          : []),
        ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
      ],
    },
    webcrypto,
  );
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

function generateKeys(kind: KeyKind): Promise<webcrypto.CryptoKeyPair> {
  const algorithm =
    kind.algorithm === "ECDSA"
      ? { name: "ECDSA", namedCurve: `P-${String(kind.size)}` }
      : {
          ...rsa,
          modulusLength: kind.size,
          publicExponent: new Uint8Array([1, 0, 1]),
        };
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;

const signingAlgorithm = ({ algorithm }: webcrypto.CryptoKey) =>
  algorithm.name === "ECDSA" ? { name: "ECDSA", hash: "SHA-256" } : rsa;

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** Names of curves, as keys and as WebCrypto call them. */
const curves: Readonly<Record<string, string>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const key = createPrivateKey(pem);
  const namedCurve = curves[key.asymmetricKeyDetails?.namedCurve ?? ""];
  const algorithm = key.asymmetricKeyType === "rsa" ? rsa : { name: "ECDSA", namedCurve };
  if (algorithm !== rsa && namedCurve === undefined)
    throw new TypeError("authority.key must be an RSA key or an EC key on a NIST curve");
  const pkcs8 = key.export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - skewMs), notAfter: new Date(now + days * dayMs) };
}

/** Positive, as RFC 5280 asks: the first bit is clear. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
