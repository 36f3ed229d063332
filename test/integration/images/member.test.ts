import { spawn, spawnSync } from "node:child_process";
import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jest } from "@jest/globals";

import { describeWithPostgres, finished } from "./support/postgres.ts";

jest.setTimeout(480_000);

const repository = join(import.meta.dirname, "../../..");
const tests = import.meta.dirname;
/** Debian's own: the one in the image, and the one that finds Debian's psycopg2. */
const python = "/usr/bin/python3";
const nobody = 65534;

const needed: Record<string, readonly string[]> = {
  "psycopg2 for Debian's Python (python3-psycopg2)": [python, "-c", "import psycopg2"],
  "pgBackRest (pgbackrest)": ["pgbackrest", "version"],
};
const missing = Object.keys(needed).filter((name) => {
  const [program = "", ...args] = needed[name] ?? [];
  return spawnSync(program, args).status !== 0;
});
if (missing.length > 0 && process.env["CI"] === "true") {
  throw new Error(`missing: ${missing.join(", ")}`);
}

describeWithPostgres("what Patroni and Postgres run", () => {
  let folder: string;

  beforeAll(() => {
    // The clone may be where only root can read, and Postgres refuses to be root.
    folder = mkdtempSync(join(tmpdir(), "lifeline-member-"));
    cpSync(join(repository, "images/postgres"), join(folder, "image"), { recursive: true });
    for (const suite of ["agent", "member"])
      cpSync(join(tests, suite), join(folder, "tests", suite), { recursive: true });
    mkdirSync(join(folder, "tmp"));
    if (process.getuid?.() === 0)
      for (const name of [".", "tmp"]) chownSync(join(folder, name), nobody, nobody);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const promises = missing.length === 0 ? test : test.skip;
  promises.each(
    readdirSync(join(tests, "member"))
      .filter((name) => name.startsWith("test_"))
      .map((name) => name.replace(/\.py$/, "")),
  )("keeps every promise of %s", async (module) => {
    const identity =
      process.getuid?.() === 0
        ? [`--reuid=${String(nobody)}`, `--regid=${String(nobody)}`, "--clear-groups"]
        : [];
    const words = [...identity, "--pdeathsig=KILL", python, "-m", "unittest", "--verbose", module];
    const { code, output } = await finished(
      spawn("setpriv", words, {
        cwd: join(folder, "tests", "member"),
        env: {
          PATH: `/usr/lib/postgresql/15/bin:${process.env["PATH"] ?? ""}`,
          LANG: "C.UTF-8",
          TMPDIR: join(folder, "tmp"),
          // Servers and certificates are those of the agent's tests.
          PYTHONPATH: [join(folder, "image"), join(folder, "tests", "agent")].join(":"),
          PYTHONDONTWRITEBYTECODE: "1",
          LIFELINE_SCRIPTS: join(folder, "image"),
        },
      }),
    );
    // The whole output is the message: it names the promise that was broken.
    expect(code === 0 ? "kept" : output).toBe("kept");
    expect(output).toMatch(/Ran [1-9]\d* tests? in/);
    expect(output).not.toContain("skipped");
  });
});
