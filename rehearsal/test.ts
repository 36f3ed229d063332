import { join } from "node:path";
import { checkTasks } from "./check.ts";
import { run } from "./command.ts";
import { toolsTask } from "./ground.ts";
import { type TestCounts, countsInWords, jest } from "./jest.ts";
import { repository } from "./paths.ts";
import { Problem, exitCode } from "./problem.ts";
import { type Task, runLanes, runTasks } from "./progress.ts";
import { goEnvironment, goFlags } from "./toolchain/go-build.ts";
import { installTestPackages } from "./toolchain/test-packages.ts";

/**
 * Everything CI checks: the inner loop while tools are built; then regions, the life of one rehearsal and the real engine.
 * A rehearsal that is broken on purpose waits as much as it works: the suites that need no region run beside it.
 */
export async function test(): Promise<TestCounts[]> {
  const asRoot = process.getuid?.() === 0;
  const suites = ["two regions", "the real engine", "the life of a rehearsal"] as const;
  const [regions, realEngine] = suites;
  const leftOut = suitesLeftOut(suites, { isRoot: asRoot, isCi: process.env["CI"] === "true" });
  const counts: TestCounts[] = leftOut === undefined ? [] : [leftOut];
  const running = (yields: boolean, title: string, paths: readonly string[]): Task => ({
    title,
    run: async (reporter) => {
      const found = await jest(["--runInBand", ...paths], reporter, yields);
      counts.push(found);
      return countsInWords(found);
    },
  });
  const suite = (title: string, ...paths: string[]) => running(false, title, paths);
  /** Beside what is measured by the second. */
  const beside = (title: string, ...paths: string[]) => running(true, title, paths);
  const forRoot = (...tasks: Task[]): Task[] => (asRoot ? tasks : []);
  const life = (title: string, ...files: string[]): Task[] =>
    forRoot(suite(title, ...files.map((file) => `test/e2e/${file}.test.ts`)));
  if (asRoot) await runTasks([{ title: "packages for tests", run: installTestPackages }]);
  const inner = checkTasks((found) => counts.push(found));
  await runTasks([...forRoot(toolsTask(undefined, () => undefined)), ...inner], 3);
  await runTasks(
    [...forRoot(suite(regions, "test/regions")), { title: "Go tests", run: goTests }],
    2,
  );
  try {
    await runLanes(
      [
        ...life("going live", "go-live"),
        ...life("what a database lives through", "database", "database-faults", "drill"),
        ...life("ways back", "broken-release", "rollback", "restore"),
      ],
      [
        beside("scripts and programs that run in pods", "test/integration"),
        ...forRoot(beside(realEngine, "test/engine")),
      ],
    );
  } finally {
    await runTasks(life("the end", "stop"));
  }
  return counts;
}

/**
 * What is left out of the suites that boot regions and API servers, which needs root; undefined where nothing is.
 * @throws Problem in CI, where nothing may be left out
 */
export function suitesLeftOut(
  titles: readonly string[],
  { isRoot, isCi }: { readonly isRoot: boolean; readonly isCi: boolean },
): TestCounts | undefined {
  if (isRoot) return undefined;
  const suites = titles.join(", ");
  if (isCi) {
    throw new Problem(
      `CI=true, but not root: ${suites} would be left out, as they boot regions and API servers; in CI nothing may be skipped. Fix: run it as root.`,
      exitCode.cannotRun,
    );
  }
  process.stderr.write(
    `SKIPPED: ${suites}: they boot regions and API servers, which needs root. Fix: sudo npm test\n`,
  );
  return { passed: 0, failed: 0, skipped: titles.length };
}

async function goTests(): Promise<string> {
  const cwd = join(repository, "tools", "region-agent");
  for (const command of ["vet", "test"]) {
    const args = [command, ...goFlags, "./..."];
    const { code, lines } = await run("go", args, { cwd, environment: goEnvironment });
    if (code !== 0)
      throw new Problem(`go ${args.join(" ")} in tools/region-agent:\n${lines.join("\n")}`);
  }
  return "vet and tests clean";
}
