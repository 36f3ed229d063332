import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Reporter } from "../progress.ts";
import { cachedFolder, type Origin } from "./cached-folder.ts";
import { DownloadFailed, type Downloader } from "./download.ts";
import type { GoBuilder } from "./go-build.ts";
import { findInstalled } from "./machine.ts";
import { run } from "../command.ts";
import type { Cpu, Download, Tool } from "./tools.ts";

/** A tool that is there, for the report. */
export interface Acquired extends Origin {
  readonly tool: string;
  readonly version: string;
  /** True when an earlier run had downloaded or built it. */
  readonly fromCache: boolean;
  /** What it cost this run. */
  readonly seconds: number;
  /** Absolute paths by name. */
  readonly binaries: Readonly<Record<string, string>>;
}

export interface AcquireContext {
  /** Folder that gets a folder per tool. */
  readonly toolsFolder: string;
  readonly downloader: Downloader;
  readonly builder: GoBuilder;
  /** Where installed tools are looked for, like PATH. */
  readonly searchPath: string;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes sure that a tool exists: from the cache, else installed at the pinned version, else downloaded and verified,
 * else built with Go.
 */
export async function acquire(tool: Tool, context: AcquireContext): Promise<Acquired> {
  const started = performance.now();
  const { toolsFolder, reporter, signal } = context;
  const seconds = () => Math.round((performance.now() - started) / 100) / 10;
  const { name, version } = tool;
  reporter.status("looking for it on this machine");
  const installed = await findInstalled(tool, context.searchPath, signal);
  if (installed !== undefined) {
    return {
      tool: name,
      version,
      how: "found",
      fromCache: false,
      seconds: seconds(),
      binaries: installed,
    };
  }
  const { folder, ...origin } = await cachedFolder({
    folder: join(toolsFolder, name, `${version}-${await fingerprint(tool)}`),
    reporter,
    signal,
    fill: (partial) => fill(tool, partial, context),
  });
  const binaries = Object.fromEntries(
    Object.keys(tool.binaries).map((binary) => [binary, join(folder, "bin", binary)]),
  );
  return { tool: name, version, ...origin, seconds: seconds(), binaries };
}

async function fill(tool: Tool, partial: string, context: AcquireContext): Promise<Origin> {
  const { builder, reporter, signal } = context;
  const bin = join(partial, "bin");
  if (tool.downloads === undefined) {
    await builder.build(tool, bin, reporter, signal);
    return { how: "built" };
  }
  try {
    await download(tool.downloads, partial, bin, context);
    return { how: "downloaded" };
  } catch (error) {
    if (!(error instanceof DownloadFailed)) throw error;
    await rm(bin, { recursive: true, force: true });
    const because = error.message;
    const status = (text: string) => {
      reporter.status(`${text} (${because})`);
    };
    await builder.build(tool, bin, { status }, signal);
    return { how: "built", because };
  }
}

async function download(
  releases: (cpu: Cpu) => readonly Download[],
  partial: string,
  bin: string,
  context: AcquireContext,
): Promise<void> {
  const cpu = ({ x64: "amd64", arm64: "arm64" } as Partial<Record<string, Cpu>>)[process.arch];
  if (cpu === undefined) throw new DownloadFailed(`no release for ${process.arch}`);
  await mkdir(bin, { recursive: true });
  for (const release of releases(cpu)) await downloadBinary(release, partial, bin, context);
}

async function downloadBinary(
  release: Download,
  partial: string,
  bin: string,
  { downloader, reporter, signal }: AcquireContext,
): Promise<void> {
  const { binary, member } = release;
  const file = join(bin, binary);
  if (member === undefined) {
    await downloader.fetchVerified(release, file, reporter, signal);
  } else {
    const archive = join(partial, `${binary}.tar.gz`);
    await downloader.fetchVerified(release, archive, reporter, signal);
    const args = ["-xzf", archive, "-C", partial, "--no-same-owner", member];
    const { code, lines } = await run("tar", args, { signal });
    if (code !== 0)
      throw new DownloadFailed(`${release.url} cannot be unpacked: ${lines.at(-1) ?? ""}`);
    await rename(join(partial, member), file);
    await rm(archive);
  }
  await chmod(file, 0o755);
}

/** Changes with anything that changes what is built: sources, module versions, flags, processor. */
async function fingerprint(tool: Tool): Promise<string> {
  const hash = createHash("sha256");
  hash.update(
    JSON.stringify([tool.package, tool.ldflags, Object.keys(tool.binaries), process.arch]),
  );
  for (const entry of await sourcesIn(tool.folder)) {
    hash.update(`\0${relative(tool.folder, entry)}\0`).update(await readFile(entry));
  }
  return hash.digest("hex").slice(0, 12);
}

async function sourcesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
