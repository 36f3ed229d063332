import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jest } from "@jest/globals";

import { cache } from "../../../rehearsal/paths.ts";
import { acquireTools } from "../../../rehearsal/toolchain/toolchain.ts";
import { describeWithPostgres, type Finished, finished } from "./support/postgres.ts";

jest.setTimeout(300_000);

const repository = join(import.meta.dirname, "../../..");
const tests = join(import.meta.dirname, "archive");
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

const modules = readdirSync(tests)
  .filter((name) => name.startsWith("test_"))
  .map((name) => name.replace(/\.py$/, ""));

describeWithPostgres("backups, restores and their proof", () => {
  let folder: string;
  /** They mostly wait for disks, so all run at once. */
  const runs = new Map<string, Promise<Finished>>();

  beforeAll(async () => {
    const { bin } = await acquireTools(["versitygw"], {
      cache,
      reporter: () => ({ status: () => undefined }),
      signal: new AbortController().signal,
    });
    // The clone and the cache may be where only root can read, and Postgres refuses to be root.
    folder = mkdtempSync(join(tmpdir(), "lifeline-archive-"));
    cpSync(join(repository, "images/postgres"), join(folder, "image"), { recursive: true });
    cpSync(tests, join(folder, "tests"), { recursive: true });
    cpSync(bin.versitygw, join(folder, "versitygw"));
    chmodSync(join(folder, "versitygw"), 0o755);
    mkdirSync(join(folder, "tmp"));
    if (process.getuid?.() === 0)
      for (const name of [".", "tmp"]) chownSync(join(folder, name), nobody, nobody);
    if (missing.length === 0) for (const module of modules) runs.set(module, start(module));
  });
  afterAll(async () => {
    await Promise.all(runs.values());
    rmSync(folder, { recursive: true, force: true });
  });

  const promises = missing.length === 0 ? test : test.skip;
  promises.each(modules)("keeps every promise of %s", async (module) => {
    const { code, output } = (await runs.get(module)) ?? { code: null, output: "did not run" };
    // The whole output is the message: it names the promise that was broken.
    expect(code === 0 ? "kept" : output).toBe("kept");
    expect(output).toMatch(/Ran [1-9]\d* tests? in/);
    expect(output).not.toContain("skipped");
  });

  function start(module: string): Promise<Finished> {
    const identity =
      process.getuid?.() === 0
        ? [`--reuid=${String(nobody)}`, `--regid=${String(nobody)}`, "--clear-groups"]
        : [];
    const words = [...identity, "--pdeathsig=KILL", python, "-m", "unittest", "--verbose", module];
    return finished(
      spawn("setpriv", words, {
        cwd: join(folder, "tests"),
        env: {
          PATH: `/usr/lib/postgresql/15/bin:${process.env["PATH"] ?? ""}`,
          LANG: "C.UTF-8",
          TMPDIR: join(folder, "tmp"),
          PYTHONPATH: join(folder, "image"),
          PYTHONDONTWRITEBYTECODE: "1",
          LIFELINE_SCRIPTS: join(folder, "image"),
          LIFELINE_VERSITYGW: join(folder, "versitygw"),
        },
      }),
    );
  }
});
