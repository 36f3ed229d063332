import { jest } from "@jest/globals";

import { finished, Server } from "../images/support/postgres.ts";
import { describeWithDatabase, runProgram, Service } from "./support/program.ts";

jest.setTimeout(60_000);

describeWithDatabase("the backend", () => {
  let server: Server;
  let backend: Service;

  beforeAll(async () => {
    server = await Server.start();
    server.query(`
      SET ROLE shop_user;
      CREATE TABLE schema_migrations (version int PRIMARY KEY, name text, sha256 text);
      INSERT INTO schema_migrations VALUES (1, 'one', '');
      CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text, created_at timestamptz DEFAULT now())`);
    backend = await start({});
  });
  afterAll(async () => {
    await backend.stop();
    await server.stop();
  });

  const start = (environment: Record<string, string>): Promise<Service> =>
    Service.start("backend/server.mjs", {
      ...server.databaseEnvironment,
      SCHEMA_MIN: "1",
      SCHEMA_MAX: "2",
      ...environment,
    });

  const until = async (condition: string): Promise<void> => {
    for (let attempt = 0; server.query(condition) !== "t"; attempt += 1) {
      if (attempt === 100) throw new Error(`still not true: ${condition}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  /** Runs a check while sessions start read-only, as in the standby region. */
  const whileReadOnly = async (check: (standby: Service) => Promise<void>): Promise<void> => {
    server.query("ALTER ROLE shop_user SET default_transaction_read_only = on");
    const standby = await start({});
    try {
      await check(standby);
    } finally {
      await standby.stop();
      server.query("ALTER ROLE shop_user RESET ALL");
    }
  };

  test("is ready while the schema is inside its window", async () => {
    expect(await backend.get("/readyz")).toEqual({
      status: 200,
      json: { status: "ok", release: "v1.0.0" },
    });
  });

  test("is not ready, but alive, while the schema is outside its window", async () => {
    const other = await start({ SCHEMA_MIN: "2", SCHEMA_MAX: "3" });
    try {
      expect(await other.get("/readyz")).toEqual({
        status: 503,
        json: {
          status: "not ready",
          reason: "schema version 1 is outside 2 to 3, which v1.0.0 runs on",
        },
      });
      expect((await other.get("/healthz")).status).toBe(200);
    } finally {
      await other.stop();
    }
  });

  test("is not ready, but alive, without a database", async () => {
    const alone = await start({ DATABASE_PORT: "1" });
    try {
      expect(await alone.get("/readyz")).toMatchObject({
        status: 503,
        json: { reason: expect.stringContaining("ECONNREFUSED") },
      });
      expect((await alone.get("/api/health")).status).toBe(503);
      expect((await alone.get("/primary")).status).toBe(503);
      expect((await alone.get("/healthz")).status).toBe(200);
    } finally {
      await alone.stop();
    }
  });

  test("stores a note and lists it", async () => {
    expect(await backend.post("/api/notes", '{"text":"remember"}')).toMatchObject({
      status: 201,
      json: { text: "remember" },
    });
    expect((await backend.get("/api/notes")).json).toEqual([
      expect.objectContaining({ text: "remember" }),
    ]);
    expect(server.query("SELECT text FROM notes")).toBe("remember");
  });

  test.each([
    ["no JSON", "text", 400],
    ["null", "null", 400],
    ["an empty note", '{"text":" "}', 400],
    ["a number", '{"text":1}', 400],
    ["a note too long", JSON.stringify({ text: "x".repeat(1001) }), 400],
    ["a body too large", "x".repeat(20_000), 413],
  ])("refuses %s with the reason", async (_what, body, status) => {
    const reply = await backend.post("/api/notes", body);
    expect(reply).toMatchObject({
      status,
      json: { error: expect.stringMatching(/text must|body must|request may/) },
    });
  });

  test("reports health, release and schema where it may write", async () => {
    expect(await backend.get("/api/health")).toEqual({
      status: 200,
      json: { status: "ok", release: "v1.0.0", schema: 1, writable: true },
    });
    expect(await backend.get("/primary")).toEqual({ status: 200, json: { writable: true } });
    expect((await backend.get("/api/version")).json).toEqual({
      release: "v1.0.0",
      schemaWindow: { min: 1, max: 2 },
    });
  });

  test("on a read-only database is ready, says so, is not the primary and refuses writes with 503", async () => {
    await whileReadOnly(async (standby) => {
      expect((await standby.get("/readyz")).status).toBe(200);
      expect(await standby.get("/api/health")).toMatchObject({
        status: 200,
        json: { writable: false },
      });
      expect(await standby.get("/primary")).toEqual({ status: 503, json: { writable: false } });
      expect(await standby.post("/api/notes", '{"text":"lost?"}')).toEqual({
        status: 503,
        json: { error: "the database is read-only in this region; writes go to the active one" },
      });
    });
    expect(server.query("SELECT count(*) FROM notes WHERE text = 'lost?'")).toBe("0");
  });

  test("counts requests and times them by route, without a series per guessed path", async () => {
    const before = await backend.metrics();
    await backend.get("/api/version");
    await backend.get("/guess/1");
    await backend.get("/guess/2");
    const after = await backend.metrics();
    const count = (text: string, series: string): number =>
      Number(text.split(`${series} `)[1]?.split("\n")[0] ?? 0);
    for (const [series, more] of [
      ['http_requests_total{method="GET",route="/api/version",status="200"}', 1],
      ['http_requests_total{method="other",route="other",status="404"}', 2],
      ['http_request_duration_seconds_bucket{method="GET",route="/api/version",le="+Inf"}', 1],
      ['http_request_duration_seconds_count{method="GET",route="/api/version"}', 1],
    ] as const)
      expect(count(after, series) - count(before, series)).toBe(more);
    expect(after).not.toContain("guess");
    expect(after).toContain('release_info{release="v1.0.0"} 1');
  });

  test("on SIGTERM turns unready, finishes the request under way, and ends with 0", async () => {
    const leaving = await start({});
    const where = ["-h", server.sandbox.folder, "-p", String(server.port), "-U", "postgres"];
    const options = ["-X", "-v", "ON_ERROR_STOP=1", ...where, "-d", "shop"];
    const holder = server.sandbox.start(["psql", ...options]);
    const released = finished(holder);
    try {
      // A lock held by another session keeps the request under way.
      holder.stdin?.write("BEGIN; LOCK TABLE notes;\n");
      await until(
        "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted",
      );
      const underWay = leaving.post("/api/notes", '{"text":"in flight"}');
      await until("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted");
      leaving.terminate();
      // The signal takes a moment to arrive on a busy machine.
      let seen = await leaving.get("/readyz");
      for (let turn = 0; seen.status === 200 && turn < 20; turn += 1)
        seen = await leaving.get("/readyz");
      expect(seen).toEqual({
        status: 503,
        json: { status: "not ready", reason: "shutting down" },
      });
      // The request outlasts the time in which health checks are still answered.
      while (await leaving.alive()) await new Promise((resolve) => setTimeout(resolve, 20));
      holder.stdin?.end("COMMIT;\n");
      expect((await underWay).status).toBe(201);
      expect((await leaving.ended).code).toBe(0);
      expect(await released).toMatchObject({ code: 0 });
    } finally {
      holder.kill();
      await leaving.stop();
    }
  });

  test.each([
    ["RELEASE_VERSION", "", "RELEASE_VERSION is not set"],
    ["SCHEMA_MIN", "one", 'SCHEMA_MIN must be a whole number, got \\"one\\"'],
    ["JWT_SECRET_FILE", "/nowhere", "JWT_SECRET_FILE: cannot read /nowhere (ENOENT)"],
    ["DATABASE_HOST", "", "DATABASE_HOST is not set"],
    ["DATABASE_SSL_MODE", "", "DATABASE_SSL_MODE is not set"],
    ["DATABASE_SSL_MODE", "prefer", 'must be verify-full or disable, got \\"prefer\\"'],
    ["DATABASE_SSL_MODE", "verify-full", "DATABASE_CA_FILE is not set"],
  ])("does not start with %s=%p and names it", async (name, value, message) => {
    const secret = server.databaseEnvironment["DATABASE_PASSWORD_FILE"] ?? "";
    const complete = {
      RELEASE_VERSION: "v1.0.0",
      SCHEMA_MIN: "1",
      SCHEMA_MAX: "1",
      JWT_SECRET_FILE: secret,
      PORT: "0",
      METRICS_PORT: "0",
    };
    const { code, output } = await runProgram("backend/server.mjs", {
      ...server.databaseEnvironment,
      ...complete,
      [name]: value,
    });
    expect(code).toBe(1);
    expect(output).toContain(message);
  });
});
