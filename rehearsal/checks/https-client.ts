import { Agent, request } from "node:https";
import type { RequestOptions } from "node:https";
import type { TLSSocket } from "node:tls";
import { get as plainGet } from "node:http";
import type { IncomingMessage } from "node:http";

/** A gateway as a client on the internet would reach it, without asking any DNS server. */
export interface Entry {
  readonly address: string;
  readonly port: number;
  /** Name asked for: in SNI, in the Host header, and looked for in the certificate. */
  readonly host: string;
  /** The only authority trusted, PEM. */
  readonly authority: string;
}

/** In place of the address of a gateway whose controller has published none. */
export const unknownAddress = "unknown";

/** @throws Error when there is no address, rather than asking somebody else */
export function hostOf({ address }: Pick<Entry, "address">): string {
  if (address !== unknownAddress) return address;
  throw new Error(
    "no address is known of the gateway. Fix: let its controller publish it in the Gateway's status.addresses (Traefik: providers.kubernetesGateway.statusAddress), or set gatewayAddress of this region in lifeline:regions",
  );
}

export interface Request {
  readonly path: string;
  readonly method?: "GET" | "POST";
  readonly json?: unknown;
  readonly agent?: Agent;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
  /** Negotiated protocol, such as TLSv1.3. */
  readonly protocol: string;
  /** Names in the certificate that was verified. */
  readonly names: string;
}

/** Connections kept open between requests, verified as every other. */
export function keepAliveAgent(connections: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: connections });
}

/**
 * One HTTPS request. Rejects when the certificate is not trusted, expired or for another host:
 * there is no way to ask for less.
 */
export async function fetchFrom(entry: Entry, wanted: Request): Promise<Reply> {
  const body = wanted.json === undefined ? undefined : JSON.stringify(wanted.json);
  const options: RequestOptions = {
    host: hostOf(entry),
    port: entry.port,
    servername: entry.host,
    path: wanted.path,
    method: wanted.method ?? "GET",
    headers: {
      host: entry.host,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ca: entry.authority,
    rejectUnauthorized: true,
    agent: wanted.agent ?? false,
    timeout: 5000,
  };
  return await new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      const socket = response.socket as TLSSocket;
      const protocol = socket.getProtocol() ?? "";
      const names = socket.getPeerX509Certificate()?.subjectAltName ?? "";
      readAll(response).then((text) => {
        resolve({ status: response.statusCode ?? 0, body: text, protocol, names });
      }, reject);
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer from ${entry.address} within 5 s`)));
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Where plain HTTP sends a client to. */
export function redirectOf(
  entry: Pick<Entry, "address" | "port" | "host">,
  path: string,
): Promise<{ status: number; location: string }> {
  return new Promise((resolve, reject) => {
    const sent = plainGet(
      {
        host: hostOf(entry),
        port: entry.port,
        path,
        headers: { host: entry.host },
        agent: false,
        timeout: 5000,
      },
      (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? "" });
      },
    );
    sent.on("timeout", () => sent.destroy(new Error(`no answer from ${entry.address} within 5 s`)));
    sent.on("error", reject);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
