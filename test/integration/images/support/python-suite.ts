import { spawn, spawnSync } from "node:child_process";
import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeWithPostgres, type Finished, finished } from "./postgres.ts";

const repository = join(import.meta.dirname, "../../../..");
const suites = join(import.meta.dirname, "..");
/** Debian's own: the one in the image, and the one that finds Debian's psycopg2. */
const python = "/usr/bin/python3";
const nobody = 65534;
const asRoot = process.getuid?.() === 0;

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

/** A folder with the image's scripts and some suites, which their user may read, and write where he must. */
export class PythonSandbox {
  readonly folder: string;
  readonly image: string;
  readonly tests: string;

  /** @param copied suites below test/integration/images whose files the modules import */
  constructor(copied: readonly string[]) {
    // The clone may be where only root can read, and Postgres refuses to be root.
    this.folder = mkdtempSync(join(tmpdir(), "lifeline-python-"));
    this.image = join(this.folder, "image");
    this.tests = join(this.folder, "tests");
    cpSync(join(repository, "images/postgres"), this.image, { recursive: true });
    for (const suite of copied)
      cpSync(join(suites, suite), join(this.tests, suite), { recursive: true });
    mkdirSync(join(this.folder, "tmp"));
    if (asRoot) for (const name of [".", "tmp"]) chownSync(join(this.folder, name), nobody, nobody);
  }

  /** Runs one module of a suite as a user that Postgres accepts; it ends with the test run. */
  run(
    suite: string,
    module: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<Finished> {
    const identity = asRoot
      ? [`--reuid=${String(nobody)}`, `--regid=${String(nobody)}`, "--clear-groups"]
      : [];
    const words = [...identity, "--pdeathsig=KILL", python, "-m", "unittest", "--verbose", module];
    return finished(
      spawn("setpriv", words, {
        cwd: join(this.tests, suite),
        env: {
          PATH: `/usr/lib/postgresql/15/bin:${process.env["PATH"] ?? ""}`,
          LANG: "C.UTF-8",
          TMPDIR: join(this.folder, "tmp"),
          PYTHONPATH: this.image,
          PYTHONDONTWRITEBYTECODE: "1",
          LIFELINE_SCRIPTS: this.image,
          ...environment,
        },
      }),
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The test modules of a suite. */
export const modulesOf = (suite: string): string[] =>
  readdirSync(join(suites, suite))
    .filter((name) => name.startsWith("test_"))
    .map((name) => name.replace(/\.py$/, ""));

/** `describe` for such modules: each is a test; where something is missing the title says what is skipped. */
export function describePython(
  title: string,
  suite: string,
  run: (module: string) => Promise<Finished>,
  hooks: () => void,
): void {
  const why = missing.length === 0 ? "" : ` (skipped: needs ${missing.join(", ")})`;
  describeWithPostgres(`${title}${why}`, () => {
    if (missing.length === 0) hooks();
    const promises = missing.length === 0 ? test : test.skip;
    promises.each(modulesOf(suite))("keeps every promise of %s", async (module) => {
      const { code, output } = await run(module);
      // The whole output is the message: it names the promise that was broken.
      expect(code === 0 ? "kept" : output).toBe("kept");
      expect(output).toMatch(/Ran [1-9]\d* tests? in/);
      expect(output).not.toContain("skipped");
    });
  });
}
