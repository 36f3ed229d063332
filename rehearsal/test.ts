import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestCounts, check, countsInWords, jest } from "./check.ts";
import { run } from "./command.ts";
import { repository } from "./paths.ts";
import { Problem } from "./problem.ts";
import { type Reporter, runTasks } from "./progress.ts";
import { type Requirement, installPackages } from "./toolchain/apt.ts";

/** What tests use besides what a rehearsal does. */
const requirements: readonly Requirement[] = [
  { package: "shellcheck", provides: ["shellcheck"] },
  { package: "curl", provides: ["curl"] },
  { package: "postgresql-15", provides: ["/usr/lib/postgresql/15/bin/postgres"] },
];

/** Everything CI checks: the inner loop, scripts and programs of the images, Go, then the end-to-end run. */
export async function test(): Promise<TestCounts[]> {
  const asRoot = process.getuid?.() === 0;
  const counts: TestCounts[] = [];
  if (asRoot) await runTasks([{ title: "packages for tests", run: installForTests }]);
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

/** Debian's Postgres would make and start a database cluster of its own; tests need only its programs. */
async function installForTests(reporter: Reporter): Promise<string> {
  const noCluster = "/etc/postgresql-common/createcluster.d/lifeline-tests.conf";
  const isThere = existsSync(dirname(noCluster));
  await mkdir(dirname(noCluster), { recursive: true });
  await writeFile(noCluster, "create_main_cluster = false\n");
  try {
    const machine = {
      searchPath: `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`,
      isRoot: true,
      hasSystemd: existsSync("/run/systemd/system"),
    };
    const installed = await installPackages(requirements, machine, reporter);
    return installed.length === 0 ? "in place" : `installed ${installed.join(", ")}`;
  } finally {
    await rm(isThere ? noCluster : dirname(noCluster), { recursive: true, force: true });
  }
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
