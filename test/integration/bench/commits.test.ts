import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { jest } from "@jest/globals";

import { Server, describeWithPostgres, finished } from "../images/support/postgres.ts";

jest.setTimeout(60_000);

const script = readFileSync(
  join(import.meta.dirname, "../../../rehearsal/bench/commits.sh"),
  "utf8",
);

describeWithPostgres("commits.sh", () => {
  let server: Server;
  beforeAll(async () => {
    server = await Server.start();
  });
  afterAll(() => server.stop());

  /** As a member runs it: the text of the script, the socket in the environment. */
  const run = (database: string) => {
    const { sandbox, port } = server;
    const folder = join(sandbox.folder, "tmp", "measured");
    const environment = {
      PGHOST: sandbox.folder,
      PGPORT: String(port),
      POSTGRES_DB: database,
    };
    return finished(
      sandbox.start(["bash", "-c", script, "commits.sh", "2", "2", folder], environment),
    ).then((result) => ({ ...result, left: existsSync(folder) }));
  };

  test("prints a line per commit, and leaves neither files nor tables", async () => {
    const { code, output, left } = await run("shop");
    expect({ code, left }).toEqual({ code: 0, left: false });
    const lines = output.trim().split("\n");
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.filter((line) => !/^commit \d+$/.test(line))).toEqual([]);
    expect(server.query("SELECT to_regclass('measured_commits') IS NULL")).toBe("t");
  });

  test("fails with what the server said", async () => {
    const { code, output, left } = await run("nowhere");
    expect({ code, left }).not.toMatchObject({ code: 0 });
    expect(output).toContain('database "nowhere" does not exist');
    expect(left).toBe(false);
  });
});
