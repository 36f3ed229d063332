import { createHash } from "node:crypto";
import { createReadStream, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** SHA-256 of a value's JSON, as hex. */
export const hashOf = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex");

/** SHA-256 of a file's bytes, as hex. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** Whether a file would be executable in an image: the one bit of its mode that git keeps. */
export const isExecutable = (file: string): boolean => (lstatSync(file).mode & 0o111) !== 0;

/** SHA-256 over names, contents, link targets and executable bits of a file or folder: not over dates and owners. */
export async function hashTree(path: string): Promise<string> {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return hashOf(["link", readlinkSync(path)]);
  if (!stat.isDirectory()) return hashOf(["file", isExecutable(path), await hashFile(path)]);
  const entries: [string, string][] = [];
  for (const name of readdirSync(path).sort())
    entries.push([name, await hashTree(join(path, name))]);
  return hashOf(["folder", entries]);
}
