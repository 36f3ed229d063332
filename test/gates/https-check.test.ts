import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:https";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { repository } from "../../rehearsal/paths.ts";
import type { KeyPair } from "../../rehearsal/regions/pki.ts";
import { createAuthority, issue } from "../../rehearsal/regions/pki.ts";

const host = "acme.test";
const healthy = { status: "ok", release: "v1.2.3" };

let authority: KeyPair;
let folder: string;
const servers: Server[] = [];

beforeAll(async () => {
  authority = await createAuthority("test");
  folder = mkdtempSync(join(tmpdir(), "https-check-"));
  writeFileSync(join(folder, "ca.pem"), authority.certificate);
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Site {
  readonly names?: readonly string[];
  readonly page?: string;
  readonly health?: object;
  /** Requests that are refused before the site works. */
  readonly failures?: number;
  /** Path that is never answered. */
  readonly silent?: string;
}

/** A Gateway on this machine; resolves to its address. */
async function serve(site: Site) {
  const { names = [host], page = "<html>", health = healthy, failures = 0, silent } = site;
  const { certificate, key } = await issue({
    authority,
    commonName: host,
    dnsNames: names,
    usages: ["server"],
    days: 1,
  });
  let asked = 0;
  const server = createServer({ cert: certificate, key }, (request, response) => {
    asked += 1;
    if (request.url === silent) return;
    if (asked <= failures || request.headers.host?.split(":")[0] !== host) response.writeHead(503);
    response.end(request.url === "/api/health" ? JSON.stringify(health) : page);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

function gate(address: string, environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(repository, "gates/https-check.mjs")], {
      env: {
        NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"),
        GATE_HOST: host,
        GATE_ADDRESS: address,
        GATE_RELEASE: "v1.2.3",
        GATE_DEADLINE_SECONDS: "1",
        ...environment,
      },
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("close", (code) => {
      resolve({ code, output });
    });
  });
}

describe("the outside gate", () => {
  test("passes when page and backend answer with a valid certificate", async () => {
    const { code, output } = await gate(await serve({}));
    expect(output).toMatch(/^ok {6}https:\/\/acme.test\/ at 127.0.0.1/m);
    expect(output).toMatch(/^ok {6}https:\/\/acme.test\/api\/health .* release v1.2.3/m);
    expect(code).toBe(0);
  }, 20_000);

  test("tries again until the Gateway is ready", async () => {
    const address = await serve({ failures: 1 });
    const { code, output } = await gate(address, { GATE_DEADLINE_SECONDS: "10" });
    expect(output).toContain("waiting https://acme.test/ at");
    expect(code).toBe(0);
  }, 20_000);

  test.each<[string, Site, NodeJS.ProcessEnv, string]>([
    ["an authority that nobody trusts", {}, { NODE_EXTRA_CA_CERTS: "" }, "certificate"],
    [
      "a certificate for another name",
      { names: ["other.test"] },
      {},
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ],
    ["another release", { health: { ...healthy, release: "v1.0.0" } }, {}, 'runs release "v1.0.0"'],
    ["a backend that is not well", { health: { status: "down" } }, {}, 'says status "down"'],
    ["something that is no page", { page: "hello" }, {}, "not with a page of HTML"],
  ])(
    "fails on %s, and says so",
    async (_what, site, environment, reason) => {
      const { code, output } = await gate(await serve(site), environment);
      expect(output).toMatch(/^FAILED {2}/m);
      expect(output).toContain(reason);
      expect(code).toBe(1);
    },
    20_000,
  );

  test("says whom to look at when the Gateway answers without reaching anybody", async () => {
    const { output } = await gate(await serve({ failures: 99 }));
    expect(output).toMatch(
      /FAILED .*answered 503 instead of 200: the Gateway does not reach the pods/,
    );
  }, 20_000);

  test("says the same when the Gateway takes a request and does not answer", async () => {
    const { output } = await gate(await serve({ silent: "/" }));
    expect(output).toMatch(
      /FAILED .*no answer within 5 seconds: the Gateway does not reach the pods/,
    );
  }, 20_000);

  test("fails when nobody listens", async () => {
    const { code, output } = await gate("127.0.0.1:1");
    expect(output).toContain("ECONNREFUSED");
    expect(code).toBe(1);
  }, 20_000);

  test("names a setting that is missing", async () => {
    const { code, output } = await gate("127.0.0.1:1", { GATE_HOST: "" });
    expect(output).toContain("GATE_HOST is not set");
    expect(code).toBe(2);
  }, 20_000);
});
