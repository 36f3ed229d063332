import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join, posix, relative, resolve } from "node:path";

import { Problem } from "../problem.ts";
import { hashTree, isExecutable } from "./content-hash.ts";
import type { Instruction } from "./dockerfile.ts";

/** Where COPY finds its files: a folder, or single files under the names a Dockerfile calls them by. */
export type Context =
  { readonly folder: string } | { readonly files: Readonly<Record<string, string>> };

/** A COPY, resolved: which file lands where, with which owner and mode. */
export interface CopyPlan {
  /** Folder in the image, absolute. */
  readonly folder: string;
  readonly files: readonly { readonly from: string; readonly name: string }[];
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Mode of every file; without it 755 for executables and 644 for others. */
  readonly mode: number | undefined;
}

/**
 * Resolves a COPY against the files at hand.
 * @throws Problem naming file and line when a source is missing, outside the context, or a pattern
 */
export function planCopy(
  instruction: Instruction,
  text: string,
  context: Context,
  workdir: string,
): CopyPlan {
  const { place, flags } = instruction;
  const words = text.split(/\s+/);
  const sources = words.slice(0, -1);
  const target = posix.resolve(workdir, words.at(-1) ?? "");
  const intoFolder = /(^|\/)\.{0,2}$/.test(words.at(-1) ?? "");
  if (sources.length === 0)
    throw new Problem(`${place}: COPY needs a source and a target, got ${text}`);
  if (sources.length > 1 && !intoFolder)
    throw new Problem(
      `${place}: the target of several files must end with "/", got ${words.at(-1) ?? ""}`,
    );
  const found = sources.map((source) => ({ source, from: locate(source, context, place) }));
  const attributes = {
    owner: parseOwner(flags.get("chown"), place),
    mode: parseMode(flags.get("chmod"), place),
  };
  const [only] = found;
  if (only !== undefined && !intoFolder && !lstatSync(only.from).isDirectory())
    return {
      folder: dirname(target),
      files: [{ from: only.from, name: basename(target) }],
      ...attributes,
    };
  // As docker build does: of a folder the content is copied, not the folder itself.
  const files = found.flatMap(({ source, from }) =>
    lstatSync(from).isDirectory()
      ? readdirSync(from)
          .sort()
          .map((name) => ({ from: join(from, name), name }))
      : [{ from, name: basename(source) }],
  );
  return { folder: target, files, ...attributes };
}

/** What a plan's layer depends on. */
export async function fingerprint({ folder, files, owner, mode }: CopyPlan): Promise<unknown> {
  const contents: unknown[] = [];
  for (const { from, name } of files) contents.push([name, await hashTree(from)]);
  return [folder, owner, mode ?? "as they are", contents];
}

/** Lays the files out with their final owner, mode and date. */
export function stage({ files, owner, mode }: CopyPlan, folder: string): void {
  mkdirSync(folder);
  for (const { from, name } of files) place(from, join(folder, name), owner, mode);
}

function place(from: string, to: string, owner: CopyPlan["owner"], mode: number | undefined): void {
  const stat = lstatSync(from);
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else if (stat.isDirectory()) {
    mkdirSync(to);
    for (const name of readdirSync(from)) place(join(from, name), join(to, name), owner, mode);
    chmodSync(to, 0o755);
    chownSync(to, owner.uid, owner.gid);
  } else {
    copyFileSync(from, to);
    chownSync(to, owner.uid, owner.gid);
    chmodSync(to, mode ?? (isExecutable(from) ? 0o755 : 0o644));
  }
  if (stat.isSymbolicLink()) lchownSync(to, owner.uid, owner.gid);
  lutimesSync(to, 0, 0);
}

function locate(source: string, context: Context, at: string): string {
  if (/[*?[]/.test(source))
    throw new Problem(`${at}: patterns are not supported in COPY, got ${source}; name the files`);
  const path = "folder" in context ? inside(context.folder, source, at) : context.files[source];
  if (path === undefined || !existsSync(path))
    throw new Problem(
      `${at}: ${source} does not exist in the build context${"folder" in context ? ` ${context.folder}` : ""}`,
    );
  return path;
}

function inside(folder: string, source: string, at: string): string {
  const path = resolve(folder, source.replace(/^\/+/, ""));
  if (relative(folder, path).startsWith(".."))
    throw new Problem(`${at}: ${source} is outside the build context ${folder}`);
  return path;
}

function parseOwner(value: string | undefined, at: string): CopyPlan["owner"] {
  if (value === undefined) return { uid: 0, gid: 0 };
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(value) ?? [];
  if (uid === undefined || gid === undefined)
    throw new Problem(
      `${at}: --chown must be numbers UID:GID, got ${value === "" ? "nothing" : value}`,
    );
  return { uid: Number(uid), gid: Number(gid) };
}

function parseMode(value: string | undefined, at: string): number | undefined {
  if (value === undefined) return undefined;
  if (!/^0?[0-7]{3,4}$/.test(value))
    throw new Problem(
      `${at}: --chmod must be octal such as 755, got ${value === "" ? "nothing" : value}`,
    );
  return Number.parseInt(value, 8);
}
