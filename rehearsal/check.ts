import { globSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { type TestCounts, countsInWords, jest } from "./jest.ts";
import { repository } from "./paths.ts";
import { Problem } from "./problem.ts";
import { type Task, runTasks } from "./progress.ts";

/** The inner loop: everything that needs no cluster, in about a minute. */
export async function check(): Promise<TestCounts[]> {
  const counts: TestCounts[] = [];
  await runTasks(
    checkTasks((found) => counts.push(found)),
    2,
  );
  return counts;
}

/** Its parts, in an order that keeps two of them busy. */
export function checkTasks(onCounts: (counts: TestCounts) => void): Task[] {
  return [
    {
      title: "unit tests",
      run: async () => {
        const counts = await jest(["--maxWorkers=2", "--config", "jest.unit.config.mjs"]);
        onCounts(counts);
        return countsInWords(counts);
      },
    },
    {
      title: "lint",
      run: () => must("eslint", ["--max-warnings", "0", ...remembered("eslint"), "."]),
    },
    { title: "types", run: () => must("tsc", ["--noEmit", "--incremental", ...typesSeen]) },
    { title: "way back", run: wayBack },
    {
      title: "format",
      run: () =>
        must("prettier", ["--check", "--log-level", "warn", ...remembered("prettier"), "."]),
    },
    { title: "shell scripts", run: shellcheck },
  ];
}

/**
 * Files that have not changed are not looked at twice. What a lint rule says about a file can change with the types of
 * another one; a clean clone, as CI has, looks at everything. The tools keep their own notes under their bare names.
 */
const remembered = (tool: string) => [
  ...["--cache", "--cache-strategy", "content"],
  ...["--cache-location", `node_modules/.cache/lifeline-${tool}`],
];
const typesSeen = ["--tsBuildInfoFile", "node_modules/.cache/types"];

/** Runs a tool of node_modules; its whole output is the error when it fails. */
async function must(tool: string, args: readonly string[]): Promise<string> {
  const { code, lines } = await run(join(repository, "node_modules", ".bin", tool), args, {
    cwd: repository,
  });
  if (code !== 0) throw new Problem(`${tool} ${args.join(" ")}:\n${lines.join("\n")}`);
  return "clean";
}

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
