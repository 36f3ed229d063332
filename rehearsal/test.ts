import { join } from "node:path";
import { type TestCounts, check, jest } from "./check.ts";
import { run } from "./command.ts";
import { repository } from "./paths.ts";
import { Problem } from "./problem.ts";
import { runTasks } from "./progress.ts";

/** Everything CI checks: the inner loop, the Go tests, then the end-to-end run. */
export async function test(): Promise<TestCounts[]> {
  const inner = await check();
  let endToEnd: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  await runTasks([
    { title: "Go tests", run: goTests },
    {
      title: "end to end",
      run: async (reporter) => {
        endToEnd = await jest(["--runInBand", "test/e2e"], reporter.status);
        return `${String(endToEnd.passed)} passed`;
      },
    },
  ]);
  return [inner, endToEnd];
}

async function goTests(): Promise<string> {
  const cwd = join(repository, "tools", "region-agent");
  for (const args of [
    ["vet", "./..."],
    ["test", "./..."],
  ]) {
    const { code, lines } = await run("go", args, { cwd });
    if (code !== 0)
      throw new Problem(`go ${args.join(" ")} in tools/region-agent:\n${lines.join("\n")}`);
  }
  return "vet and tests clean";
}
