import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jest } from "@jest/globals";

import { finished } from "./support/postgres.ts";

jest.setTimeout(30_000);

const script = join(import.meta.dirname, "../../../images/postgres/smoke.sh");

/** What the stubs answer; each test breaks one thing. */
interface World {
  schema: string;
  psqlCode: number;
  readyz: number;
  release: string;
  frontend: number;
}
const healthy: World = { schema: "3", psqlCode: 0, readyz: 200, release: "v1.0.0", frontend: 200 };

describe("smoke.sh", () => {
  let folder: string;
  let server: Server;
  let world: World;
  let requests = 0;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "lifeline-smoke-"));
    world = { ...healthy };
    writeFileSync(join(folder, "password"), "canary-password\n");
    requests = 0;
    server = createServer((request, response) => {
      requests += 1;
      const backend = request.url?.startsWith("/backend") ?? false;
      if (request.url?.endsWith("/api/health")) {
        response.end(JSON.stringify({ status: "ok", release: world.release, schema: 3 }));
        return;
      }
      response.writeHead(backend ? world.readyz : world.frontend);
      response.end(JSON.stringify({ status: "stub" }));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const smoke = (environment: Record<string, string> = {}): ChildProcess => {
    const psql = join(folder, "psql");
    writeFileSync(
      psql,
      `#!/bin/sh\n[ "$PGPASSWORD" = canary-password ] || exit 9\necho "${world.schema}"\nexit ${String(world.psqlCode)}\n`,
    );
    chmodSync(psql, 0o755);
    const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    return spawn(script, [], {
      env: {
        PATH: `${folder}:${process.env["PATH"] ?? ""}`,
        DATABASE_HOST: "postgres",
        DATABASE_PORT: "5432",
        DATABASE_NAME: "shop",
        DATABASE_USER: "shop_user",
        DATABASE_PASSWORD_FILE: join(folder, "password"),
        BACKEND_URL: `${origin}/backend`,
        FRONTEND_URL: `${origin}/frontend`,
        RELEASE_VERSION: "v1.0.0",
        SCHEMA_MIN: "2",
        SCHEMA_MAX: "4",
        FORBIDDEN_ADDRESSES: "127.0.0.1:1 127.0.0.1:2",
        DEADLINE_SECONDS: "0",
        no_proxy: "*",
        ...environment,
      },
    });
  };

  test("passes when everything works, says each check, and keeps the password to itself", async () => {
    const { code, output } = await finished(smoke());
    expect(code).toBe(0);
    expect(output.match(/^ok /gm)).toHaveLength(5);
    expect(output).not.toContain("canary-password");
  });

  test.each<[string, Partial<World>, string]>([
    [
      "the schema is too old",
      { schema: "1" },
      "FAILED schema in window: schema version 1, allowed 2 to 4",
    ],
    [
      "the schema is too new",
      { schema: "5" },
      "FAILED schema in window: schema version 5, allowed 2 to 4",
    ],
    [
      "the database refuses",
      { schema: "FATAL: no entry", psqlCode: 2 },
      "FAILED schema in window: FATAL: no entry",
    ],
    ["the backend is not ready", { readyz: 503 }, "FAILED backend ready: "],
    [
      "another release answers",
      { release: "v0.9.0" },
      "FAILED backend release: release v0.9.0, expected v1.0.0",
    ],
    [
      "no release is named",
      { release: "" },
      "FAILED backend release: release not named, expected v1.0.0",
    ],
    ["the frontend is not ready", { frontend: 500 }, "FAILED frontend ready: "],
  ])("fails when %s, and only that check", async (_what, broken, message) => {
    Object.assign(world, broken);
    const { code, output } = await finished(smoke());
    expect(code).toBe(1);
    expect(output).toContain(message);
    expect(output.match(/^FAILED /gm)).toHaveLength(1);
    expect(output).toContain("smoke: 1 of 5 checks failed");
  });

  test("fails when nothing listens, with the reason", async () => {
    const { code, output } = await finished(smoke({ FRONTEND_URL: "http://127.0.0.1:1" }));
    expect(code).toBe(1);
    expect(output).toMatch(/FAILED frontend ready: .*connect/i);
  });

  test("fails where network policies are not enforced, and names what they should have kept shut", async () => {
    const open = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const { code, output } = await finished(
      smoke({ FORBIDDEN_ADDRESSES: `127.0.0.1:1 ${open} 127.0.0.1:2` }),
    );
    expect(code).toBe(1);
    expect(output).toContain(
      `FAILED network policies: reached ${open}, which they forbid: this cluster does not enforce them.`,
    );
    expect(output.match(/^FAILED /gm)).toHaveLength(1);
  });

  test("waits for policies that reach a new pod late", async () => {
    const late = createServer();
    await new Promise<void>((resolve) => {
      late.listen(0, "127.0.0.1", resolve);
    });
    const address = `127.0.0.1:${String((late.address() as AddressInfo).port)}`;
    const tried = new Promise((resolve) => late.once("connection", resolve));
    const end = finished(smoke({ FORBIDDEN_ADDRESSES: address, DEADLINE_SECONDS: "10" }));
    await tried;
    late.close();
    expect((await end).code).toBe(0);
  });

  test("tries again until the deadline", async () => {
    world.readyz = 503;
    const end = finished(smoke({ DEADLINE_SECONDS: "10" }));
    while (requests < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    world.readyz = 200;
    expect((await end).code).toBe(0);
  });

  test.each([
    ["BACKEND_URL", "", "smoke: BACKEND_URL is not set"],
    ["SCHEMA_MIN", "one", 'smoke: SCHEMA_MIN must be a whole number, got "one"'],
  ])("refuses %s=%p before any check", async (name, value, message) => {
    const { code, output } = await finished(smoke({ [name]: value }));
    expect(code).toBe(2);
    expect(output).toContain(message);
    expect(requests).toBe(0);
  });
});
