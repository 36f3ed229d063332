import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jest } from "@jest/globals";

import { finished } from "./support/postgres.ts";

jest.setTimeout(30_000);

const script = join(import.meta.dirname, "../../../images/postgres/writable.sh");

describe("writable.sh", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lifeline-writable-"));
    writeFileSync(join(folder, "password"), "canary-password\n");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs with a psql that refuses the first `refusals` sessions, and writes down how it was called. */
  const run = (refusals: number, environment: Record<string, string> = {}) => {
    const psql = join(folder, "psql");
    const count = join(folder, "count");
    writeFileSync(count, "");
    writeFileSync(
      psql,
      `#!/bin/sh
[ "$PGPASSWORD" = canary-password ] || exit 9
printf '%s\\n' "$*" >>"${join(folder, "calls")}"
echo x >>"${count}"
[ "$(wc -l <"${count}")" -gt ${String(refusals)} ] && exit 0
echo "session is read-only"
exit 2
`,
    );
    chmodSync(psql, 0o755);
    return finished(
      spawn(script, [], {
        env: {
          PATH: `${folder}:${process.env["PATH"] ?? ""}`,
          DATABASE_HOST: "postgres",
          DATABASE_PORT: "5432",
          DATABASE_NAME: "shop",
          DATABASE_USER: "shop_user",
          DATABASE_PASSWORD_FILE: join(folder, "password"),
          DEADLINE_SECONDS: "20",
          ...environment,
        },
      }),
    );
  };

  test("waits until a session may write", async () => {
    const { code, output } = await run(2);
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toMatch(/accepts writes after \d+ s/);
    const calls = readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
    expect(calls).toHaveLength(3);
    expect(calls[0]).toContain("target_session_attrs=read-write");
  });

  test("fails in time, and says what the database said", async () => {
    const { code, output } = await run(99, { DEADLINE_SECONDS: "1" });
    expect(code).toBe(1);
    expect(output).toMatch(/after \d+ s the database does not accept writes: session is read-only/);
    expect(output).not.toContain("canary");
  });

  test("fails when it was not told enough", async () => {
    const { code, output } = await run(0, { DATABASE_HOST: "" });
    expect(code).toBe(2);
    expect(output).toContain("writable: DATABASE_HOST is not set");
  });
});
