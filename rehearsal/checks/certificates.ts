import { X509Certificate, createPrivateKey } from "node:crypto";
import type { V1Secret } from "@kubernetes/client-node";
import type { CheckResult } from "../report/evidence.ts";
import { check } from "./check.ts";
import type { Finding } from "./check.ts";
import { get, list } from "./objects.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

interface Conditioned {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly observedGeneration?: number;
      readonly message?: string;
    }[];
  };
}

interface Certificate extends Conditioned {
  readonly spec: { readonly issuerRef: { readonly kind?: string; readonly name: string } };
}

/** Every certificate of the namespace is ready, and so is the issuer it names. */
export function certificateReady(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  return check({ name: "Issuers and Certificates ready", region: region.name }, async () => {
    const { namespace } = subject;
    const { cluster } = region;
    const issuers = {
      ClusterIssuer: await list<Conditioned>(cluster, "clusterissuers"),
      Issuer: await list<Conditioned>(cluster, "issuers", { namespace }),
    };
    const certificates = await list<Certificate>(cluster, "certificates", { namespace });
    const used = Object.entries(issuers).flatMap(([ofKind, objects]) =>
      objects.filter(({ metadata }) =>
        certificates.some(({ spec: { issuerRef } }) => {
          const { kind = "Issuer", name } = issuerRef;
          return kind === ofKind && name === metadata.name;
        }),
      ),
    );
    const needed = new Set(
      certificates.map(
        ({ spec: { issuerRef } }) => `${issuerRef.kind ?? "Issuer"} ${issuerRef.name}`,
      ),
    );
    return {
      ok:
        certificates.length > 0 &&
        used.length === needed.size &&
        [...used, ...certificates].every(isReady),
      expected: "every certificate and its issuer ready",
      measured:
        `issuers: ${used.map(describe).join(", ") || "none"}; ` +
        `certificates: ${certificates.map(describe).join(", ") || "none"}`,
    };
  });
}

/** Ready for what is asked now, not for an older generation of it. */
function isReady({ metadata, status }: Conditioned): boolean {
  const ready = status?.conditions?.find((it) => it.type === "Ready");
  return (
    ready?.status === "True" &&
    (ready.observedGeneration === undefined || ready.observedGeneration === metadata.generation)
  );
}

function describe(object: Conditioned): string {
  return `${object.metadata.name} ${isReady(object) ? "ready" : "not ready"}`;
}

/** The TLS secret holds a chain that clients will accept for the host, and the matching key. */
export function tlsSecret(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const name = `${subject.product}-tls`;
  return check({ name: "TLS secret holds a valid chain", region: region.name }, async () => {
    const { data } = await get<V1Secret>(region.cluster, "secrets", name, subject.namespace);
    const decode = (key: string) => Buffer.from(data?.[key] ?? "", "base64").toString();
    return judgeChain({
      chain: decode("tls.crt"),
      key: decode("tls.key"),
      host: subject.host,
      authority: subject.authority,
      at: new Date(),
    });
  });
}

export interface Chain {
  /** Leaf first, PEM. */
  readonly chain: string;
  readonly key: string;
  readonly host: string;
  /** PEM of the authority to end at. */
  readonly authority: string;
  readonly at: Date;
}

/** Whether a client that trusts only `authority` would accept the chain for the host at that time. */
export function judgeChain({ chain, key, host, authority, at }: Chain): Finding {
  const expected = `a certificate for ${host}, in date, signed by the trusted authority, with its key`;
  const certificates = [...pemBlocks(chain), authority].map((pem) => new X509Certificate(pem));
  const [leaf] = certificates;
  if (leaf === undefined || certificates.length < 2) {
    return { ok: false, expected, measured: "no certificate" };
  }
  const problems = [
    ...(leaf.checkHost(host) === undefined ? [`not for ${host}`] : []),
    ...certificates.flatMap((it) => (inDate(it, at) ? [] : [`${nameOf(it)} is not valid now`])),
    ...unlinked(certificates),
    ...(leaf.checkPrivateKey(createPrivateKey(key))
      ? []
      : ["the key belongs to another certificate"]),
  ];
  const days = Math.floor((leaf.validToDate.getTime() - at.getTime()) / 86_400_000);
  return {
    ok: problems.length === 0,
    expected,
    measured: `${leaf.subjectAltName ?? "no names"}, ${days} days left, issued by ${issuerOf(leaf)}`,
    detail: problems.join("; "),
  };
}

function pemBlocks(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function inDate(certificate: X509Certificate, at: Date): boolean {
  return certificate.validFromDate <= at && at <= certificate.validToDate;
}

/** Each certificate is signed by the next; an authority repeated at the end of a chain is no flaw. */
function unlinked(certificates: readonly X509Certificate[]): string[] {
  return certificates.slice(0, -1).flatMap((certificate, index) => {
    const issuer = certificates[index + 1];
    if (issuer === undefined || certificate.fingerprint256 === issuer.fingerprint256) return [];
    const signed = certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
    return signed ? [] : [`${nameOf(certificate)} is not signed by ${nameOf(issuer)}`];
  });
}

function nameOf(certificate: X509Certificate): string {
  return certificate.subject.replaceAll("\n", ", ") || "the certificate";
}

function issuerOf(certificate: X509Certificate): string {
  return certificate.issuer.replaceAll("\n", ", ");
}
