import type { RequestListener } from "node:http";

import { ApiClient, ApiError, Unreachable } from "../../diagnosis/api.ts";
import { createAuthority, issue } from "../../rehearsal/regions/pki.ts";
import { type LocalServer, serveHttps } from "../rehearsal/checks/servers.ts";

let server: LocalServer | undefined;
afterEach(() => server?.close());

/** A client of an API server that answers as it is told. */
async function client(listener: RequestListener): Promise<ApiClient> {
  const authority = await createAuthority("Test");
  const certificate = await issue({ authority, ips: ["127.0.0.1"], usages: ["server"], days: 1 });
  server = await serveHttps(certificate, listener);
  const cluster = {
    server: `https://127.0.0.1:${String(server.port)}`,
    "certificate-authority-data": Buffer.from(authority.certificate).toString("base64"),
  };
  const kubeconfig = JSON.stringify({
    clusters: [{ name: "here", cluster }],
    users: [{ name: "me", user: { token: "of-this-test" } }],
    contexts: [{ name: "here", context: { cluster: "here", user: "me" } }],
  });
  return new ApiClient({ kubeconfig, context: "here" });
}

it("asks again over the connection that it has", async () => {
  const ports = new Set<number | undefined>();
  const api = await client(({ socket }, response) => {
    ports.add(socket.remotePort);
    response.end("{}");
  });
  for (let turn = 0; turn < 5; turn += 1) await api.text({ method: "GET", path: "/version" });
  expect(ports.size).toBe(1);
});

it("takes a query in the path, or beside it, and says who asks", async () => {
  const asked: (string | undefined)[] = [];
  const api = await client(({ url, headers }, response) => {
    asked.push(url, headers.authorization);
    response.end("{}");
  });
  await api.text({ method: "GET", path: "/a?b=c" });
  await api.text({ method: "GET", path: "/a", query: { d: "e" } });
  expect(asked).toEqual([
    ...["/a?b=c", "Bearer of-this-test"],
    ...["/a?d=e", "Bearer of-this-test"],
  ]);
});

it("tells a refusal from silence", async () => {
  const api = await client((request, response) => {
    if (request.url === "/silent") return;
    response.writeHead(403).end(JSON.stringify({ reason: "Forbidden", message: "not you" }));
  });
  const request = { method: "GET", timeoutMilliseconds: 100 } as const;
  expect(await api.answer({ ...request, path: "/x" })).toMatchObject({ status: 403 });
  const refused = api.text({ ...request, path: "/x" });
  await expect(refused).rejects.toThrow(new ApiError(403, "Forbidden", "not you"));
  await expect(api.text({ ...request, path: "/silent" })).rejects.toThrow(Unreachable);
});
