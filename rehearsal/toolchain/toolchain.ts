import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Reporter } from "../progress.ts";
import { acquire, type Acquired, type AcquireContext } from "./acquire.ts";
import { installPackages, requirements } from "./apt.ts";
import { acquireCrds } from "./crds.ts";
import { Downloader } from "./download.ts";
import { GoBuilder } from "./go-build.ts";
import { comparedTools, tools, type BinaryName, type BinaryOf, type ToolName } from "./tools.ts";

export type { Acquired } from "./acquire.ts";
export type { BinaryName } from "./tools.ts";

export interface ToolchainOptions {
  /** Folder that keeps what was downloaded and built. */
  readonly cache: string;
  /** Gives each tool, by name, the place where it says what is happening to it. */
  readonly reporter: (tool: string) => Reporter;
  readonly signal?: AbortSignal | undefined;
}

export interface Tools<Binary extends string> {
  /** Absolute paths. */
  readonly bin: Readonly<Record<Binary, string>>;
  readonly acquired: readonly Acquired[];
}

export interface Toolchain extends Tools<BinaryName> {
  /** Folder with the CustomResourceDefinitions of the cluster equipment, one YAML file each. */
  readonly crds: string;
}

/**
 * Makes sure that everything a rehearsal runs exists on this machine: Debian packages, tools, CustomResourceDefinitions.
 * Safe against interruption and against another run at the same time.
 * @throws Problem that says what to do, as soon as the first of them cannot be had.
 */
export async function acquireToolchain(options: ToolchainOptions): Promise<Toolchain> {
  const machine = {
    searchPath: searchPath(),
    isRoot: process.getuid?.() === 0,
    hasSystemd: existsSync("/run/systemd/system"),
  };
  await installPackages(requirements, machine, options.reporter("packages"), options.signal);
  const { context, all } = startRun(options);
  const crds = acquireCrds(context("crds"));
  const acquired = tools
    .filter(({ name }) => !comparedTools.some((compared) => compared === name))
    .map((tool) => acquire(tool, context(tool.name)));
  await all<unknown>([crds, ...acquired]);
  const { folder, acquired: manifests } = await crds;
  const done = await Promise.all(acquired);
  return { bin: binariesOf(done), crds: folder, acquired: [...done, manifests] };
}

/** Makes sure that some tools exist, for work that needs no regions. Same promises as `acquireToolchain`. */
export async function acquireTools<const Name extends ToolName>(
  names: readonly Name[],
  options: ToolchainOptions,
): Promise<Tools<BinaryOf<Name>>> {
  const { context, all } = startRun(options);
  const acquired = await all(
    tools
      .filter(({ name }) => (names as readonly string[]).includes(name))
      .map((tool) => acquire(tool, context(tool.name))),
  );
  return { bin: binariesOf(acquired), acquired };
}

interface Run {
  readonly context: (tool: string) => AcquireContext;
  /** Waits for work started together: the first failure stops the rest, and is thrown when all have ended. */
  readonly all: <Result>(work: readonly Promise<Result>[]) => Promise<Result[]>;
}

function startRun({ cache, reporter, signal }: ToolchainOptions): Run {
  const failure = new AbortController();
  const shared = {
    toolsFolder: join(cache, "tools"),
    downloader: new Downloader(),
    builder: new GoBuilder(),
    searchPath: searchPath(),
    signal: AbortSignal.any([failure.signal, ...(signal ? [signal] : [])]),
  };
  return {
    context: (tool) => ({ ...shared, reporter: reporter(tool) }),
    all: async (work) => {
      const stopOthers = (error: unknown) => {
        failure.abort(error);
      };
      await Promise.all(work.map((part) => part.catch(stopOthers)));
      failure.signal.throwIfAborted();
      return Promise.all(work);
    },
  };
}

const binariesOf = <Binary extends string>(acquired: readonly Acquired[]): Record<Binary, string> =>
  Object.assign({}, ...acquired.map(({ binaries }) => binaries)) as Record<Binary, string>;

/** A shell without login may lack the folders where Debian puts administrators' programs. */
const searchPath = (): string => `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
