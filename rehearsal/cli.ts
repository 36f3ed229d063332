import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cache, repository } from "./paths.ts";
import { Problem, exitCode } from "./problem.ts";

const usage = `Usage: npm run <command> [-- options]

  start    rehearse the whole go-live on two regions   [--context A --context B [--archive FILE]]
                                                    [--report DIR] [--json]
                                                    [--set activeRegion=eu-west-1, and so for every setting]
  rehearse:rollback   forward through four releases and back from each, under traffic   [--report DIR] [--json]
  stop     remove everything that start made           [--purge: built tools and images too]
  drill    prove on a running rehearsal that both archives bring the database back   [--json]
  check    format, lint, types, unit tests, policies
  test     check, then the end-to-end run
  bench    start-up and update times beside plain tools
  render   write every object of a stack as files      -- STACK DIR
  release  make a release, seal it, list them, plan a change; -- without more tells how
  check:rollback   whether the present program can be taken back   [-- --against REF]`;

/** Each command is imported only when it runs: start-up stays fast. */
const commands: Record<string, (args: string[]) => Promise<void>> = {
  async start(args) {
    const { values } = parsed(args, {
      context: { type: "string", multiple: true },
      archive: { type: "string" },
      set: { type: "string", multiple: true },
      report: { type: "string" },
      json: { type: "boolean" },
    });
    const { start } = await import("./start.ts");
    const { settingsFrom } = await import("./set-option.ts");
    await start({
      ...clustersOf(values),
      settings: settingsFrom(values.set ?? []),
      reportFolder: values.report ?? "report",
      json: values.json ?? false,
    });
  },
  async "rehearse:rollback"(args) {
    const { values } = parsed(args, { report: { type: "string" }, json: { type: "boolean" } });
    const { rehearseRollback } = await import("./rollback/rehearse.ts");
    await rehearseRollback({
      reportFolder: values.report ?? "report",
      json: values.json ?? false,
    });
  },
  async stop(args) {
    const { values } = parsed(args, { purge: { type: "boolean" } });
    const { stop } = await import("./stop.ts");
    await stop({ purge: values.purge ?? false });
  },
  async drill(args) {
    const { values } = parsed(args, { json: { type: "boolean" } });
    const { drill } = await import("./drill.ts");
    await drill({ json: values.json ?? false });
  },
  async check(args) {
    parsed(args, {});
    const { check } = await import("./check.ts");
    sayCounts(await check());
  },
  async test(args) {
    parsed(args, {});
    const { test } = await import("./test.ts");
    sayCounts(await test());
  },
  async bench(args) {
    const { values } = parsed(args, { json: { type: "boolean" } });
    const { bench } = await import("./bench.ts");
    await bench({ json: values.json ?? false });
  },
  async render(args) {
    const { positionals } = parsed(args, {}, 2);
    const [stack, folder] = positionals;
    if (stack === undefined || folder === undefined) throw new Problem(usage, exitCode.usage);
    const { render } = await import("./render.ts");
    await render(stack, folder);
  },
  async release(args) {
    const { releaseCommand } = await import("../rollback/release/command.ts");
    await releaseCommand(args);
  },
  async "check:rollback"(args) {
    const { values } = parsed(args, { against: { type: "string" } });
    const { checkRollback } = await import("../rollback/check/check.ts");
    await checkRollback({ repository, ...(values.against && { against: values.against }) });
  },
};

function parsed<const T extends NonNullable<Parameters<typeof parseArgs>[0]>["options"]>(
  args: string[],
  options: T,
  positionals = 0,
) {
  try {
    const result = parseArgs({ args, options, allowPositionals: positionals > 0 });
    if (result.positionals.length > positionals)
      throw new Error(`unexpected ${result.positionals.at(-1) ?? ""}`);
    return result;
  } catch (error) {
    throw new Problem(
      `${error instanceof Error ? error.message : String(error)}\n\n${usage}`,
      exitCode.usage,
    );
  }
}

function clustersOf({ context, archive }: { context?: string[]; archive?: string }) {
  if (context !== undefined) {
    const contexts = twoContexts(context);
    return { clusters: { contexts, ...(archive !== undefined && { archiveFile: archive }) } };
  }
  if (archive === undefined) return {};
  throw new Problem(
    `--archive: got ${archive} without --context; regions that are booted here bring their own S3. Fix: name your clusters with --context A --context B.`,
    exitCode.usage,
  );
}

function twoContexts(contexts: readonly string[]): [string, string] {
  const [first, second, ...more] = contexts;
  if (first === undefined || second === undefined || more.length > 0 || first === second) {
    throw new Problem(
      `--context: got ${contexts.join(", ")}; allowed are exactly two different contexts. Fix: --context A --context B, one for each region.`,
      exitCode.usage,
    );
  }
  return [first, second];
}

/** The one line by which a log reader, or a machine, knows that tests ran. */
function sayCounts(runs: readonly { passed: number; failed: number; skipped: number }[]): void {
  const sum = (key: "passed" | "failed" | "skipped") =>
    runs.reduce((total, run) => total + run[key], 0);
  process.stdout.write(
    `tests: ${String(sum("passed"))} passed, ${String(sum("failed"))} failed, ${String(sum("skipped"))} skipped\n`,
  );
}

// What was compiled once is not compiled again, here and in every process that this one starts.
const compiled = join(cache, "node");
enableCompileCache(compiled);
process.env["NODE_COMPILE_CACHE"] = compiled;

const [name = "", ...args] = process.argv.slice(2);
try {
  const command = commands[name];
  if (command === undefined) throw new Problem(usage, exitCode.usage);
  await command(args);
} catch (error) {
  process.stderr.write(
    `\n${error instanceof Problem ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = error instanceof Problem ? error.code : exitCode.failed;
}
