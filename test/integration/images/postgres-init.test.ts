import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { jest } from "@jest/globals";

import { describeWithPostgres, finished, Sandbox, Server } from "./support/postgres.ts";

// A busy machine takes its time to make a cluster.
jest.setTimeout(60_000);

const password = "a $trange 'pass\"word";

describeWithPostgres("postgres-init.sh", () => {
  let sandbox: Sandbox;
  const pgdata = (): string => sandbox.environment["PGDATA"] ?? "";

  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => {
    sandbox.remove();
  });

  test("makes a cluster with checksums, the application's database and the exporter, and never prints the password", async () => {
    const first = await sandbox.init();
    expect(first.code).toBe(0);
    expect(first.output).toContain("created a database cluster");
    expect(first.output).not.toContain("pass");

    const server = await Server.start(sandbox);
    try {
      expect(server.query("SHOW data_checksums")).toBe("on");
      expect(
        server.query("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'"),
      ).toBe("shop_user");
      expect(
        server.query(
          "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = 'shop_user'",
        ),
      ).toBe("f");
      expect(server.query("SELECT pg_has_role('exporter', 'pg_monitor', 'member')")).toBe("t");
      expect(server.query("SELECT has_database_privilege('exporter', 'shop', 'connect')")).toBe(
        "f",
      );
      expect(signIn(server, password)).toBe(0);
      expect(signIn(server, "another password")).not.toBe(0);
    } finally {
      await server.stop();
    }
  });

  test("changes nothing when run again, but takes over a changed password", async () => {
    await sandbox.init();
    sandbox.write("password", "rotated");
    const again = await sandbox.init();
    expect(again).toEqual({
      code: 0,
      output: "postgres-init: role shop_user and database shop are ready\n",
    });

    const server = await Server.start(sandbox);
    try {
      expect(signIn(server, "rotated")).toBe(0);
      expect(signIn(server, password)).not.toBe(0);
    } finally {
      await server.stop();
    }
  });

  test("ends in the same state however often and whenever it is killed", async () => {
    const other = new Sandbox();
    const started = performance.now();
    await other.init();
    const whole = performance.now() - started;
    other.remove();
    // Most of the time goes into initdb; then come the rename, the server and the roles.
    for (const share of [0.1, 0.4, 0.7, 0.8, 0.9, 0.95, 0.1]) {
      const child = sandbox.start([join(sandbox.folder, "scripts", "postgres-init.sh")]);
      const end = finished(child);
      await sleep(share * whole);
      killGroup(child);
      await end;
      while (sandbox.isRunning()) await sleep(20);
    }
    const last = await sandbox.init();
    expect(last).toEqual({ code: 0, output: expect.stringContaining("are ready") });
    expect(readdirSync(join(sandbox.folder, "volume"))).toEqual(["pgdata"]);
    const server = await Server.start(sandbox);
    try {
      expect(signIn(server, password)).toBe(0);
    } finally {
      await server.stop();
    }
  });

  test("throws away the draft of a run that was killed during initdb", async () => {
    mkdirSync(`${pgdata()}.draft/base`, { recursive: true });
    writeFileSync(`${pgdata()}.draft/PG_VERSION`, "15\n");
    giveAway(sandbox);
    expect((await sandbox.init()).code).toBe(0);
    expect(existsSync(`${pgdata()}.draft`)).toBe(false);
  });

  test("refuses a folder with files that are no cluster, and leaves them alone", async () => {
    mkdirSync(pgdata(), { recursive: true });
    writeFileSync(join(pgdata(), "precious"), "");
    giveAway(sandbox);
    const { code, output } = await sandbox.init();
    expect(code).toBe(1);
    expect(output).toContain("holds files but no database cluster");
    expect(readdirSync(pgdata())).toEqual(["precious"]);
  });

  test("refuses data of another major version", async () => {
    mkdirSync(pgdata(), { recursive: true });
    writeFileSync(join(pgdata(), "PG_VERSION"), "14\n");
    giveAway(sandbox);
    expect(await sandbox.init()).toMatchObject({
      code: 1,
      output: expect.stringContaining("made by Postgres 14, this image runs 15"),
    });
  });

  test("refuses data without checksums", async () => {
    await finished(sandbox.start(["initdb", "-D", pgdata(), "-U", "postgres"]));
    expect(await sandbox.init()).toMatchObject({
      code: 1,
      output: expect.stringContaining("has no data checksums"),
    });
  });

  test("is not misled by a lock file that names what is another program now", async () => {
    await sandbox.init();
    const other = sandbox.start(["sleep", "60"]);
    sandbox.write(
      "volume/pgdata/postmaster.pid",
      `${String(other.pid)}\n${pgdata()}\n0\n5432\n\n\n\n`,
    );
    const result = await sandbox.init();
    other.kill("SIGKILL");
    expect(result).toMatchObject({ code: 0 });
  });

  test("is not misled by a lock file that was never finished", async () => {
    await sandbox.init();
    sandbox.write("volume/pgdata/postmaster.pid", "");
    expect(await sandbox.init()).toMatchObject({ code: 0 });
  });

  test("refuses while a server runs on the data", async () => {
    const server = await Server.start(sandbox);
    try {
      expect(await sandbox.init()).toMatchObject({
        code: 1,
        output: expect.stringMatching(/a server \(process \d+\) is running/),
      });
    } finally {
      await server.stop();
    }
  });

  test.each([
    [
      "PGDATA",
      "relative/path",
      'PGDATA must be an absolute path below a volume, got "relative/path"',
    ],
    ["PGDATA", "", 'PGDATA must be an absolute path below a volume, got ""'],
    [
      "POSTGRES_DB",
      "",
      'POSTGRES_DB must be a lower-case name of letters, digits and underscores, at most 63, got ""',
    ],
    ["POSTGRES_DB", "Shop; DROP", 'got "Shop; DROP"'],
    ["POSTGRES_DB", "template1", 'POSTGRES_DB is "template1", which is reserved'],
    ["POSTGRES_USER", "postgres", 'POSTGRES_USER is "postgres", which is reserved'],
    ["POSTGRES_USER", "pg_monitor", 'POSTGRES_USER is "pg_monitor", which is reserved'],
    ["POSTGRES_PASSWORD_FILE", "", "POSTGRES_PASSWORD_FILE is not set"],
    ["POSTGRES_PASSWORD_FILE", "/nowhere/password", "cannot read /nowhere/password"],
  ])("refuses %s=%p and says why", async (name, value, message) => {
    const { code, output } = await sandbox.init({ [name]: value });
    expect(code).toBe(1);
    expect(output).toContain(message);
    expect(existsSync(join(sandbox.folder, "volume"))).toBe(false);
  });

  test.each([
    ["an empty password", "\n", "is empty"],
    ["a password of two lines", "one\ntwo\n", "must hold one line"],
  ])("refuses %s", async (_what, content, message) => {
    sandbox.write("password", content);
    expect(await sandbox.init()).toMatchObject({
      code: 1,
      output: expect.stringContaining(message),
    });
  });
});

/** Exit code of a sign-in over TCP as the application's role. */
function signIn(server: Server, secret: string): number | null {
  const args = [
    "-X",
    "-w",
    "-h",
    "127.0.0.1",
    "-p",
    String(server.port),
    "-U",
    "shop_user",
    "-d",
    "shop",
    "-c",
    "SELECT 1",
  ];
  return spawnSync("psql", args, { env: { ...server.sandbox.environment, PGPASSWORD: secret } })
    .status;
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid ?? 0), "SIGKILL");
  } catch {
    // It had ended already.
  }
}

/** What the test made as root belongs to the sandbox's user. */
function giveAway({ folder }: Sandbox): void {
  if (process.getuid?.() === 0) spawnSync("chown", ["-R", "65534:65534", folder]);
}
