import { closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../problem.ts";
import { foldersOf } from "./folders.ts";
import { ctr, inRegion } from "./inside.ts";
import { writeWhole } from "./s3-access.ts";
import type { Topology } from "./topology.ts";

/** An image in a file that `docker load` would take. */
export interface ImageArchive {
  /** Repository and tag, such as localhost/lifeline/backend:v1.0.0. */
  readonly ref: string;
  readonly archive: string;
}

/** `repository@sha256:...` of each image, by its repository and tag. */
export type PinnedImages = Readonly<Record<string, string>>;

/** What a region's containerd holds: pinned images by the archive they came from. */
type ImageRecord = Record<string, string>;

export const imageRecordFile = (region: Topology): string =>
  join(foldersOf(region).state, "images.json");

const importTimeoutSeconds = 300;

/** Tells one state of an archive from another without reading it. */
export function archiveKey({ ref, archive }: ImageArchive): string {
  if (!existsSync(archive)) throw new Problem(`image ${ref}: archive ${archive} does not exist`);
  const { size, mtimeMs } = statSync(archive);
  return `${ref} ${String(size)} ${String(mtimeMs)}`;
}

/**
 * Brings images into a running region, where its kubelet finds them by tag and by digest without any registry.
 * An archive that is there already costs nothing.
 */
export async function importImages(
  region: Topology,
  archives: readonly ImageArchive[],
): Promise<PinnedImages> {
  const file = imageRecordFile(region);
  const record: ImageRecord = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as ImageRecord)
    : {};
  const missing = archives.filter((image) => record[archiveKey(image)] === undefined);
  for (const image of missing) {
    await importArchive(region, image);
    const digest = digestIn(await ctrInRegion(region, ["images", "ls"]), image.ref);
    const pinned = pin(image.ref, digest);
    await ctrInRegion(region, ["images", "tag", "--force", image.ref, pinned]);
    record[archiveKey(image)] = pinned;
    writeWhole(file, JSON.stringify(record), 0o644);
  }
  return Object.fromEntries(archives.map((image) => [image.ref, record[archiveKey(image)] ?? ""]));
}

async function importArchive(region: Topology, { ref, archive }: ImageArchive): Promise<void> {
  // The file may be anywhere on this machine: the region gets it open, not by name.
  const stdin = openSync(archive, "r");
  try {
    await ctrInRegion(region, ["images", "import", "--snapshotter", "overlayfs", "-"], stdin);
  } catch (error) {
    throw new Problem(
      `image ${ref} cannot be imported from ${archive}: ${(error as Error).message}`,
    );
  } finally {
    closeSync(stdin);
  }
}

async function ctrInRegion(
  region: Topology,
  args: readonly string[],
  stdin?: number,
): Promise<string> {
  const { code, stdout, stderr } = await inRegion(region, ctr(...args), {
    timeoutSeconds: importTimeoutSeconds,
    ...(stdin === undefined ? {} : { stdin }),
  });
  if (code !== 0) throw new Problem(stderr.trim());
  return stdout;
}

/** Digest of an image in the table that `ctr images ls` prints. */
export function digestIn(table: string, ref: string): string {
  const row = table.split("\n").find((line) => line.startsWith(`${ref} `));
  const digest = row === undefined ? undefined : /sha256:[0-9a-f]{64}/.exec(row)?.[0];
  if (digest === undefined)
    throw new Problem(`image ${ref} is not in its archive: the name in the archive must be that`);
  return digest;
}

/** The same image, named by digest instead of tag. */
export const pin = (ref: string, digest: string): string =>
  `${ref.replace(/:[^:/]+$/, "")}@${digest}`;
