import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { run } from "../command.ts";
import type { Tool } from "./tools.ts";

/** Longest a program may take to print its version. */
const versionMs = 10_000;

/** Where a program is on a search path, or undefined. */
export async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter).filter(isAbsolute)) {
    const file = join(folder, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** The tool's programs where they are installed, provided that each reports the pinned version. */
export async function findInstalled(
  tool: Tool,
  searchPath: string,
  signal?: AbortSignal,
): Promise<Record<string, string> | undefined> {
  const found = await Promise.all(
    Object.entries(tool.binaries).map(async ([name, { versionArguments }]) => {
      const file = versionArguments && (await findProgram(name, searchPath));
      if (
        file === undefined ||
        !(await reports(file, versionArguments ?? [], tool.version, signal))
      )
        return undefined;
      return [name, file] as const;
    }),
  );
  const complete = found.filter((entry) => entry !== undefined);
  return complete.length === found.length ? Object.fromEntries(complete) : undefined;
}

async function reports(
  file: string,
  args: readonly string[],
  version: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const limit = AbortSignal.timeout(versionMs);
  try {
    const { code, lines } = await run(file, args, {
      signal: AbortSignal.any([limit, ...(signal ? [signal] : [])]),
    });
    return code === 0 && lines.some((line) => names(line, version));
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}

/** Whether a line names exactly this version: v1.34.4 is neither v1.34.40 nor v1.34.4+vendor.1. */
function names(line: string, version: string): boolean {
  const number = version.replace(/^v/, "").replaceAll(".", "\\.");
  return new RegExp(`(?<![\\w.])v?${number}(?![\\w.+-])`).test(line);
}
