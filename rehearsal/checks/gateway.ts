import { connect } from "node:tls";
import type { CheckResult } from "../report/evidence.ts";
import { check, eventually } from "./check.ts";
import { fetchFrom, hostOf, redirectOf } from "./https-client.ts";
import type { Entry } from "./https-client.ts";
import { list } from "./objects.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

interface Condition {
  readonly type: string;
  readonly status: string;
}

interface Gateway {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface HttpRoute {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly parents?: readonly { readonly conditions?: readonly Condition[] }[];
  };
}

/** The region's gateway from outside, trusting only the authority of the subject. */
export function entryOf(region: RegionUnderTest, subject: Subject): Entry {
  const { address, httpsPort: port } = region;
  return { address, port, host: subject.host, authority: subject.authority };
}

/** The controller has taken up the Gateway and every route to it. */
export function gatewayProgrammed(
  { name, cluster }: RegionUnderTest,
  { namespace }: Subject,
  withinSeconds = 30,
): Promise<CheckResult> {
  const about = { name: "Gateway programmed, routes accepted", region: name, withinSeconds };
  return eventually(about, async () => {
    const gateways = await list<Gateway>(cluster, "gateways", { namespace });
    const routes = await list<HttpRoute>(cluster, "httproutes", { namespace });
    const verdicts = [
      ...gateways.map((it) => ({
        name: it.metadata.name,
        ok: holds(it.status?.conditions, "Programmed"),
      })),
      ...routes.map((it) => ({ name: it.metadata.name, ok: isAccepted(it) })),
    ];
    return {
      ok: gateways.length > 0 && routes.length > 0 && verdicts.every((it) => it.ok),
      expected: "every Gateway Programmed; every HTTPRoute Accepted, its references resolved",
      measured:
        verdicts.map((it) => `${it.name} ${it.ok ? "yes" : "no"}`).join(", ") || "none exist",
    };
  });
}

function isAccepted({ status }: HttpRoute): boolean {
  const parents = status?.parents ?? [];
  return (
    parents.length > 0 &&
    parents.every((it) => holds(it.conditions, "Accepted") && holds(it.conditions, "ResolvedRefs"))
  );
}

function holds(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.some((it) => it.type === type && it.status === "True") ?? false;
}

/** A client that trusts only the authority gets an answer for the host. */
export function verifiedHttps(
  region: RegionUnderTest,
  subject: Subject,
  withinSeconds = 30,
): Promise<CheckResult> {
  const about = { name: "HTTPS with a verified certificate", region: region.name, withinSeconds };
  return eventually(about, async () => {
    const reply = await fetchFrom(entryOf(region, subject), { path: "/" });
    return {
      ok: reply.status === 200 && ["TLSv1.2", "TLSv1.3"].includes(reply.protocol),
      expected: `200 over TLS 1.2 or newer, certificate for ${subject.host} from the trusted authority`,
      measured: `${reply.status} over ${reply.protocol}, certificate for ${reply.names}`,
    };
  });
}

/** Plain HTTP serves nothing but the way to HTTPS. */
export function redirectsToHttps(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  return check({ name: "HTTP redirects to HTTPS", region: region.name }, async () => {
    const plain = { address: region.address, port: region.httpPort, host: subject.host };
    const { status, location } = await redirectOf(plain, "/");
    return {
      ok: [301, 308].includes(status) && location.startsWith(`https://${subject.host}`),
      expected: `301 or 308 to https://${subject.host}/`,
      measured: `${status} ${location}`.trim(),
    };
  });
}

/** A client that speaks nothing newer than TLS 1.1 is turned away by the server itself. */
export function refusesOldTls(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  return check({ name: "TLS older than 1.2 refused", region: region.name }, async () => {
    const answer = await offerOldTls(entryOf(region, subject));
    return {
      // Only the server's own refusal counts: a client that cannot speak TLS 1.1 proves nothing.
      ok: answer.includes("ALERT_PROTOCOL_VERSION") || answer.includes("ALERT_HANDSHAKE_FAILURE"),
      expected: "the server refuses the protocol version",
      measured: answer,
    };
  });
}

function offerOldTls(entry: Entry): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostOf(entry),
      port: entry.port,
      servername: entry.host,
      ca: entry.authority,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
      timeout: 5000,
    });
    socket.on("secureConnect", () => {
      resolve(`accepted ${socket.getProtocol() ?? "an old protocol"}`);
      socket.destroy();
    });
    socket.on("timeout", () =>
      socket.destroy(new Error(`no answer from ${entry.address} within 5 s`)),
    );
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith("ERR_SSL_") === true) resolve(error.code);
      else reject(error);
    });
  });
}
