import { join } from "node:path";
import { type TestCounts, check, countsInWords, jest } from "./check.ts";
import { run } from "./command.ts";
import { repository } from "./paths.ts";
import { Problem } from "./problem.ts";
import { type Reporter, runTasks } from "./progress.ts";
import { installTestPackages } from "./toolchain/test-packages.ts";

/** Everything CI checks: the inner loop, scripts and programs of the images, Go, then the end-to-end run. */
export async function test(): Promise<TestCounts[]> {
  const asRoot = process.getuid?.() === 0;
  const counts: TestCounts[] = [];
  if (asRoot) await runTasks([{ title: "packages for tests", run: installTestPackages }]);
  counts.push(await check());
  const suite = (title: string, ...args: string[]) => ({
    title,
    run: async (reporter: Reporter) => {
      const found = await jest(args, reporter.status);
      counts.push(found);
      return countsInWords(found);
    },
  });
  await runTasks([
    suite("scripts and programs that run in pods", "--maxWorkers=2", "test/integration"),
    { title: "Go tests", run: goTests },
    ...(asRoot ? [suite("end to end", "--runInBand", "test/e2e")] : []),
  ]);
  if (!asRoot) {
    process.stderr.write(
      "SKIPPED: the end-to-end run, because it boots regions, which needs root. Fix: sudo npm test\n",
    );
  }
  return counts;
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
