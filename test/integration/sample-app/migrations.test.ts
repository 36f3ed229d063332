import { appendFileSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jest } from "@jest/globals";

import type { Finished } from "../images/support/postgres.ts";
import { Server } from "../images/support/postgres.ts";
import { describeWithDatabase, runProgram } from "./support/program.ts";

jest.setTimeout(60_000);

const shipped = join(import.meta.dirname, "../../../rehearsal/sample-app/migrations/sql");

describeWithDatabase("the migrations", () => {
  let server: Server;
  let folder: string;

  beforeAll(async () => {
    server = await Server.start();
  });
  afterAll(async () => {
    await server.stop();
  });
  beforeEach(() => {
    server.query(
      "DROP OWNED BY shop_user; GRANT ALL ON SCHEMA public TO shop_user; ALTER ROLE shop_user RESET ALL",
    );
    folder = mkdtempSync(join(tmpdir(), "lifeline-sql-"));
    cpSync(shipped, folder, { recursive: true });
    // The tests need a second one, whichever releases there are.
    for (const name of readdirSync(folder).slice(1)) rmSync(join(folder, name));
    writeFileSync(join(folder, "002-add-colour.sql"), "ALTER TABLE notes ADD colour text;\n");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const migrate = (
    target: number,
    window: { min?: number; max?: number } = {},
  ): Promise<Finished> =>
    runProgram(
      "migrations/migrate.mjs",
      {
        ...server.databaseEnvironment,
        SCHEMA_MIN: String(window.min ?? 1),
        SCHEMA_MAX: String(window.max ?? 2),
        SCHEMA_TARGET: String(target),
      },
      [folder],
    );
  const versions = (): string =>
    server.query("SELECT string_agg(version::text, ',' ORDER BY version) FROM schema_migrations");

  test("applies up to the target and no further, each file recorded", async () => {
    expect(await migrate(1)).toMatchObject({
      code: 0,
      output: expect.stringContaining("applied 001-create-notes.sql"),
    });
    expect(versions()).toBe("1");
    expect(server.query("SELECT name || length(sha256) FROM schema_migrations")).toBe(
      "001-create-notes.sql64",
    );
    expect((await migrate(2)).code).toBe(0);
    expect(versions()).toBe("1,2");
  });

  test("changes nothing the second time", async () => {
    await migrate(2);
    const before = server.query("SELECT string_agg(applied_at::text, ',') FROM schema_migrations");
    expect(await migrate(2)).toMatchObject({
      code: 0,
      output: expect.stringContaining("nothing to do"),
    });
    expect(server.query("SELECT string_agg(applied_at::text, ',') FROM schema_migrations")).toBe(
      before,
    );
  });

  test("two at once apply each file once, and both succeed", async () => {
    // Slow enough for all of them to arrive before the first is done.
    writeFileSync(
      join(folder, "002-add-colour.sql"),
      "SELECT pg_sleep(1); ALTER TABLE notes ADD colour text;\n",
    );
    const ends = await Promise.all([migrate(2), migrate(2), migrate(2)]);
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(ends.filter(({ output }) => output.includes("applied"))).toHaveLength(1);
    expect(versions()).toBe("1,2");
  });

  test("leaves a database alone that is ahead but inside the window", async () => {
    await migrate(2);
    expect(await migrate(1, { max: 2 })).toMatchObject({
      code: 0,
      output: expect.stringContaining("schema version 2, target 1"),
    });
  });

  test("refuses a database ahead of the window", async () => {
    await migrate(2);
    expect(await migrate(1, { max: 1 })).toMatchObject({
      code: 1,
      output: expect.stringContaining(
        "the database is at schema version 2, this release runs on 1 to 1",
      ),
    });
  });

  test("refuses a file that was changed after it was applied", async () => {
    await migrate(1);
    appendFileSync(join(folder, "001-create-notes.sql"), "-- changed\n");
    expect(await migrate(2)).toMatchObject({
      code: 1,
      output: expect.stringContaining("001-create-notes.sql was changed after it was applied"),
    });
    expect(versions()).toBe("1");
  });

  test("a file that fails leaves no trace of itself", async () => {
    writeFileSync(join(folder, "002-add-colour.sql"), "CREATE TABLE half (); SELECT nonsense;\n");
    expect(await migrate(2)).toMatchObject({
      code: 1,
      output: expect.stringMatching(
        /002-add-colour\.sql failed and was rolled back: column .*nonsense.* does not exist/,
      ),
    });
    expect(versions()).toBe("1");
    expect(server.query("SELECT to_regclass('half') IS NULL")).toBe("t");
  });

  test.each([
    ["a target without a file", 3, { max: 3 }, "SCHEMA_TARGET is 3, but the last file is number 2"],
    ["a target outside the window", 1, { min: 2 }, "SCHEMA_TARGET 1 is outside 2 to 2"],
  ])("refuses %s before it connects", async (_what, target, window, message) => {
    expect(await migrate(target, window)).toMatchObject({
      code: 1,
      output: expect.stringContaining(message),
    });
    expect(server.query("SELECT to_regclass('schema_migrations') IS NULL")).toBe("t");
  });

  test.each([
    ["004-gap.sql", "004-gap.sql: expected number 3"],
    ["next.sql", "next.sql: the name must be like 001-create-notes.sql"],
  ])("refuses a file called %s", async (name, message) => {
    writeFileSync(join(folder, name), "");
    expect(await migrate(2)).toMatchObject({ code: 1, output: expect.stringContaining(message) });
  });

  test("says nothing of the password when it is wrong", async () => {
    const wrong = server.sandbox.write("wrong", "canary-password");
    const { code, output } = await runProgram(
      "migrations/migrate.mjs",
      {
        ...server.databaseEnvironment,
        DATABASE_PASSWORD_FILE: wrong,
        SCHEMA_MIN: "1",
        SCHEMA_MAX: "1",
        SCHEMA_TARGET: "1",
      },
      [folder],
    );
    expect(code).toBe(1);
    expect(output).toContain("password authentication failed");
    expect(output).not.toContain("canary-password");
  });
});
