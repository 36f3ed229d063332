import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { run } from "./command.ts";
import { repository } from "./paths.ts";
import { Problem } from "./problem.ts";
import type { Reporter } from "./progress.ts";

/** Counts of one jest run. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts of a test run in a few words. */
export const countsInWords = ({ passed, skipped }: TestCounts): string =>
  `${String(passed)} passed${skipped === 0 ? "" : `, ${String(skipped)} SKIPPED`}`;

/** What jest's --json writes, as far as it is read here. */
export interface TestResults {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** As much of the machine as nobody else wants. */
const lowestPriority = ["nice", "-n", "19"] as const;

/**
 * Runs jest with its native ES module support.
 * @param reporter Hears which test is at work, what a command in it says, and what came of a long test.
 * @param yields Leaves the machine to whatever else runs.
 * @throws Problem with each failure in short and where the whole output lies.
 */
export async function jest(
  args: readonly string[],
  reporter?: Reporter,
  yields = false,
): Promise<TestCounts> {
  const folder = mkdtempSync(join(tmpdir(), "lifeline-jest-"));
  const file = join(folder, "results.json");
  const names = join(repository, "test/support/names-reporter.mjs");
  const hear = reporter === undefined ? undefined : listener(reporter);
  const [program, ...before] = [...(yields ? lowestPriority : []), process.execPath] as const;
  const { lines } = await run(
    program,
    [
      ...before,
      join(repository, "node_modules/jest/bin/jest.js"),
      ...args,
      ...["--json", `--outputFile=${file}`, "--reporters=default", `--reporters=${names}`],
    ],
    {
      cwd: repository,
      ...(hear !== undefined && { onLine: hear }),
      environment: {
        NODE_OPTIONS: "--experimental-vm-modules --disable-warning=ExperimentalWarning",
      },
    },
  );
  const output = lines.join("\n");
  let results: TestResults;
  try {
    results = JSON.parse(readFileSync(file, "utf8")) as TestResults;
  } catch {
    throw new Problem(`jest wrote no result:\n${output}`);
  }
  const counts: TestCounts = {
    passed: results.numPassedTests,
    failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
    skipped: results.numPendingTests + results.numTodoTests,
  };
  const mayNotSkip = process.env["CI"] === "true" && counts.skipped > 0;
  if (!results.success || mayNotSkip) {
    const whole = join(folder, "output.txt");
    writeFileSync(whole, output);
    const trouble = results.success
      ? `${String(counts.skipped)} tests were skipped; in CI nothing may be.`
      : failuresInWords(results);
    throw new Problem(`${trouble}\nThe whole output: ${whole}`);
  }
  rmSync(folder, { recursive: true, force: true });
  if (counts.passed === 0) throw new Problem(`jest ran no test with ${args.join(" ")}`);
  return counts;
}

/** Reads the lines of test/support/names-reporter.mjs, and those with which a test passes on what a command says. */
export function listener({ status, note }: Reporter): (line: string) => void {
  let test = "";
  return (line) => {
    const [, kind, text = ""] = /^(begins|says|ended): (.*)/.exec(line) ?? [];
    if (kind === "begins") status((test = text));
    if (kind === "says") status(`${test}: ${text}`);
    if (kind === "ended") note?.(text);
  };
}

/** More lines of one failure say little to somebody who cannot look at the machine. */
const linesOfFailure = 30;
const failuresInFull = 20;

/** Each failed test with the head of its message: a log that is cut off must still tell what failed. */
export function failuresInWords({ testResults }: Pick<TestResults, "testResults">): string {
  const failures = testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(repository, name);
    const failed = assertionResults.filter(({ status }) => status === "failed");
    // It cannot even be loaded, or what comes before or after all tests failed.
    if (failed.length === 0 && message !== "") return [{ title: `${file} as a whole`, message }];
    return failed.map(({ fullName, failureMessages }) => ({
      title: `${file}: ${fullName}`,
      message: failureMessages.join("\n"),
    }));
  });
  return failures
    .map(({ title, message }, index) =>
      index < failuresInFull ? `FAILED ${title}\n${head(message)}` : `FAILED ${title}`,
    )
    .join("\n");
}

function head(message: string): string {
  const lines = stripVTControlCharacters(message)
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.includes("/node_modules/"));
  const more = lines.length - linesOfFailure;
  const shown = lines.slice(0, linesOfFailure).map((line) => `    ${line}`);
  return [...shown, ...(more > 0 ? [`    … ${String(more)} lines more`] : [])].join("\n");
}
