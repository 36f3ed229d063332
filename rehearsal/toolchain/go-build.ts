import { mkdir, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { exitCode, Problem } from "../problem.ts";
import type { Reporter } from "../progress.ts";
import { run } from "../command.ts";
import type { Tool } from "./tools.ts";

const tickMs = 2_000;
/** Enough of a failed build's output to see the first error. */
const shownLines = 20;
/** The compiler's cache goes by these: whoever compiles a tool's packages again, such as its tests, uses the same. */
export const goEnvironment = { CGO_ENABLED: "0", GOWORK: "off" };
export const goFlags = ["-trimpath", "-buildvcs=false"];

/** Builds tools one after the other: a single Go build keeps every core busy and takes gigabytes of memory. */
export class GoBuilder {
  #last: Promise<unknown> = Promise.resolve();

  /** Builds every binary of the tool into the folder `bin`. */
  async build(tool: Tool, bin: string, reporter: Reporter, signal?: AbortSignal): Promise<void> {
    const previous = this.#last;
    const turn = Promise.withResolvers<undefined>();
    this.#last = turn.promise;
    reporter.status("to be built with Go");
    await previous;
    try {
      await requireGo(tool.folder, `${tool.name} ${tool.version}`, signal);
      await mkdir(bin, { recursive: true });
      await compile(tool, bin, reporter, signal);
      await assertComplete(tool, bin);
    } finally {
      turn.resolve(undefined);
    }
  }
}

async function compile(
  tool: Tool,
  bin: string,
  reporter: Reporter,
  signal?: AbortSignal,
): Promise<void> {
  const [only, ...others] = Object.keys(tool.binaries);
  // A single program gets its name here: go would call etcd's `server`.
  const output = others.length === 0 ? join(bin, only ?? "") : `${bin}/`;
  const args = (out: string) => [
    ...["build", "-v", ...goFlags],
    ...["-ldflags", tool.ldflags, "-o", out, tool.package],
  ];
  const progress = new BuildProgress(reporter);
  try {
    // Whatever else goes on while minutes of compiling pass comes first.
    const { code, lines } = await run("nice", ["go", ...args(output)], {
      cwd: tool.folder,
      // The compiler collects its garbage less often: a fifth less of all its work, for a few hundred megabytes.
      environment: { ...goEnvironment, GOGC: "400" },
      signal,
      onLine: (line) => {
        progress.hear(line);
      },
    });
    if (code === 0) return;
    const repeat = args("/dev/null").filter((arg) => arg !== "-v");
    throw new Problem(
      [
        `Building ${tool.name} ${tool.version} failed:`,
        ...lines.filter((line) => !isPackage(line)).slice(-shownLines),
        "Fix what it names, then run the command again. The build alone:",
        `  cd ${tool.folder} && CGO_ENABLED=0 GOWORK=off go ${repeat.map(quoted).join(" ")}`,
      ].join("\n"),
    );
  } finally {
    progress.stop();
  }
}

async function assertComplete(tool: Tool, bin: string): Promise<void> {
  const built = await readdir(bin);
  const lacking = Object.keys(tool.binaries).filter((binary) => !built.includes(binary));
  if (lacking.length === 0) return;
  throw new Problem(
    `Building ${tool.name} ${tool.version} made ${built.join(", ")} but not ${lacking.join(", ")}. Fix: name each with a tool line in ${tool.folder}/go.mod.`,
  );
}

/** Turns the output of `go build -v` into one line every few seconds. */
class BuildProgress {
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #reporter: Reporter;
  #compiled = 0;
  #doing = "compiling and linking";

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
    this.#timer = setInterval(() => {
      this.#report();
    }, tickMs);
    this.#report();
  }

  hear(line: string): void {
    if (isPackage(line)) {
      this.#compiled += 1;
      this.#doing = `${String(this.#compiled)} packages compiled, now ${line}`;
    } else if (line.startsWith("go: downloading ")) {
      this.#doing = line.replace("go: ", "");
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #report(): void {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(0);
    this.#reporter.status(`building with Go, ${seconds} s: ${this.#doing}`);
  }
}

/** `go build -v` names each package it compiles on a line of its own. */
const isPackage = (line: string): boolean => /^[\w./~+-]+$/.test(line);

const quoted = (arg: string): string => (/^[\w./=-]+$/.test(arg) ? arg : `'${arg}'`);

/**
 * Makes sure that Go can build the module in `folder`; Go's own toolchain switching counts.
 * @throws Problem with what to install.
 */
export async function requireGo(
  folder: string,
  purpose: string,
  signal?: AbortSignal,
): Promise<void> {
  const needed = /^go (\S+)/m.exec(await readFile(join(folder, "go.mod"), "utf8"))?.[1] ?? "1.0";
  const advice = `Fix: install Go ${needed} or newer (https://go.dev/dl), then run the command again.`;
  const version = await goVersion(folder, signal);
  if (version === undefined) {
    throw new Problem(
      `${purpose} needs Go ${needed}, and Go is not on PATH. ${advice}`,
      exitCode.cannotRun,
    );
  }
  if (isOlder(version, needed)) {
    throw new Problem(
      `${purpose} needs Go ${needed}, and this is ${version}. ${advice}`,
      exitCode.cannotRun,
    );
  }
}

async function goVersion(folder: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const selected = await run("go", ["env", "GOVERSION"], {
      cwd: folder,
      environment: goEnvironment,
      signal,
    });
    if (selected.code === 0) return selected.stdout.trim();
    // Too old and not allowed to fetch a newer one: then it answers only when told to stay itself.
    const local = await run("go", ["version"], {
      cwd: "/",
      environment: { GOTOOLCHAIN: "local" },
      signal,
    });
    return /go\d\S*/.exec(local.stdout)?.[0] ?? "an unknown version";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Compares `go1.26.8` with `1.25.0`; a development version counts as new. */
function isOlder(version: string, needed: string): boolean {
  if (version.startsWith("devel")) return false;
  const numbers = (text: string) => [...text.matchAll(/\d+/g)].map(([number]) => Number(number));
  const [have, want] = [numbers(version), numbers(needed)];
  for (const [index, least] of want.entries()) {
    const own = have[index] ?? 0;
    if (own !== least) return own < least;
  }
  return false;
}
