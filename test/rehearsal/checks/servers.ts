import { createServer as createHttp } from "node:http";
import type { RequestListener, Server } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import type { SecureVersion } from "node:tls";
import type { KeyPair } from "../../../rehearsal/regions/pki.ts";

export interface LocalServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves HTTPS on a free local port, on the oldest TLS version given. */
export function serveHttps(
  { certificate, key }: KeyPair,
  listener: RequestListener,
  minVersion: SecureVersion = "TLSv1.2",
): Promise<LocalServer> {
  const ciphers = minVersion === "TLSv1" ? { ciphers: "DEFAULT@SECLEVEL=0" } : {};
  return listen(createHttps({ cert: certificate, key, minVersion, ...ciphers }, listener));
}

export function serveHttp(listener: RequestListener): Promise<LocalServer> {
  return listen(createHttp(listener));
}

async function listen(server: Server): Promise<LocalServer> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
