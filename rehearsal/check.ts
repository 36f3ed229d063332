import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./command.ts";
import { repository } from "./paths.ts";
import { Problem } from "./problem.ts";
import { type Task, runTasks } from "./progress.ts";

/** Counts of one jest run. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The inner loop: everything that needs no cluster, in under a minute. */
export async function check(): Promise<TestCounts> {
  let counts: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  const tasks: Task[] = [
    {
      title: "unit tests",
      run: async () => {
        counts = await jest([
          "--maxWorkers=2",
          "--testPathIgnorePatterns",
          "/test/(e2e|integration)/",
        ]);
        return countsInWords(counts);
      },
    },
    { title: "lint", run: () => must("eslint", ["--max-warnings", "0", "."]) },
    { title: "types", run: () => must("tsc", ["--noEmit"]) },
    { title: "way back", run: wayBack },
    { title: "format", run: () => must("prettier", ["--check", "--log-level", "warn", "."]) },
    { title: "shell scripts", run: shellcheck },
  ];
  await runTasks(tasks, 2);
  return counts;
}

/** Counts of a test run in a few words. */
export const countsInWords = ({ passed, skipped }: TestCounts): string =>
  `${String(passed)} passed${skipped === 0 ? "" : `, ${String(skipped)} SKIPPED`}`;

/** Runs a tool of node_modules; its whole output is the error when it fails. */
async function must(tool: string, args: readonly string[]): Promise<string> {
  const { code, lines } = await run(join(repository, "node_modules", ".bin", tool), args, {
    cwd: repository,
  });
  if (code !== 0) throw new Problem(`${tool} ${args.join(" ")}:\n${lines.join("\n")}`);
  return "clean";
}

/** Runs jest with its native ES module support; failures are printed by jest itself. */
export async function jest(
  args: readonly string[],
  onLine?: (line: string) => void,
): Promise<TestCounts> {
  const folder = mkdtempSync(join(tmpdir(), "lifeline-jest-"));
  const file = join(folder, "results.json");
  try {
    const { lines } = await run(
      process.execPath,
      [
        join(repository, "node_modules/jest/bin/jest.js"),
        "--json",
        `--outputFile=${file}`,
        ...args,
      ],
      {
        cwd: repository,
        ...(onLine === undefined ? {} : { onLine }),
        environment: {
          NODE_OPTIONS: "--experimental-vm-modules --disable-warning=ExperimentalWarning",
        },
      },
    );
    let results;
    try {
      results = JSON.parse(readFileSync(file, "utf8")) as Record<string, number> & {
        success: boolean;
      };
    } catch {
      throw new Problem(`jest wrote no result:\n${lines.join("\n")}`);
    }
    const counts: TestCounts = {
      passed: results["numPassedTests"] ?? 0,
      failed: (results["numFailedTests"] ?? 0) + (results["numRuntimeErrorTestSuites"] ?? 0),
      skipped: (results["numPendingTests"] ?? 0) + (results["numTodoTests"] ?? 0),
    };
    if (!results.success) throw new Problem(withoutJson(lines));
    if (process.env["CI"] === "true" && counts.skipped > 0) {
      throw new Problem(
        `${String(counts.skipped)} tests were skipped; in CI nothing may be.\n${withoutJson(lines)}`,
      );
    }
    if (counts.passed === 0) throw new Problem(`jest ran no test with ${args.join(" ")}`);
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Jest prints its JSON result on one line among the readable ones. */
const withoutJson = (lines: readonly string[]): string =>
  lines
    .filter((line) => !line.startsWith('{"num'))
    .join("\n")
    .trim();

/** In a process of its own: it loads the program before this one as well. */
async function wayBack(): Promise<string> {
  const cli = join(repository, "rehearsal/cli.ts");
  const { code, lines } = await run(process.execPath, [cli, "check:rollback"], { cwd: repository });
  if (code !== 0) throw new Problem(lines.join("\n"));
  return `${String(lines.length)} compared`;
}

async function shellcheck(): Promise<string> {
  const files = globSync("**/*.sh", {
    cwd: repository,
    exclude: (name) => name === "node_modules",
  });
  try {
    const { code, lines } = await run("shellcheck", files, { cwd: repository });
    if (code !== 0) throw new Problem(lines.join("\n"));
    return `${String(files.length)} clean`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    if (process.env["CI"] === "true") throw new Problem("shellcheck is not installed; CI needs it");
    return `SKIPPED: shellcheck is not installed (apt-get install shellcheck)`;
  }
}
