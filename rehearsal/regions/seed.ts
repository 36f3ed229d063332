import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { foldersOf, scriptsFolder, seedFolder } from "./folders.ts";
import { type ImageArchive, archiveKey, digestIn, imageRecordFile, pin } from "./images.ts";
import { must } from "./inside.ts";
import type { Topology } from "./topology.ts";

/**
 * A containerd root with every image unpacked once. A new region starts from a copy made of hard links: containerd
 * never writes to a layer or a blob again, only its databases change.
 */

const unpackTimeoutSeconds = 600;

/** Unpacks the images, unless the same ones are unpacked already. @returns the seed's folder. */
export async function ensureSeed(images: readonly ImageArchive[]): Promise<string> {
  const key = createHash("sha256")
    .update(images.map(archiveKey).sort().join("\n"))
    .digest("hex")
    .slice(0, 16);
  const folder = join(seedFolder, key);
  if (existsSync(folder)) return folder;

  // Older seeds served other images; half-made ones nobody.
  rmSync(seedFolder, { recursive: true, force: true });
  const draft = join(seedFolder, "draft");
  mkdirSync(draft, { recursive: true });
  const namespaces = [
    "--mount",
    "--pid",
    "--fork",
    "--kill-child=SIGKILL",
    "--mount-proc",
    "--propagation",
    "private",
  ];
  const archives = images.map(({ archive }) => archive);
  const table = await must(
    ["unshare", ...namespaces, join(scriptsFolder, "seed.sh"), draft, ...archives],
    {
      timeoutSeconds: unpackTimeoutSeconds,
    },
  );
  const record = Object.fromEntries(
    images.map((image) => [archiveKey(image), pin(image.ref, digestIn(table, image.ref))]),
  );
  writeFileSync(join(draft, "images.json"), JSON.stringify(record));
  renameSync(draft, folder);
  return folder;
}

/** Whether a region has images of its own, so that it needs no seed. */
export const isPlanted = (region: Topology): boolean => existsSync(containerdRoot(region));

/** Gives a region without images those of the seed. */
export async function plantSeed(region: Topology, seed: string): Promise<void> {
  const target = containerdRoot(region);
  const draft = `${target}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(foldersOf(region).state, { recursive: true });
  const source = join(seed, "root");
  await must(["cp", "--archive", "--link", source, draft]);
  for (const database of globSync("**/*.db", {
    cwd: source,
    exclude: (name) => name === "snapshots",
  })) {
    // Away with the link first: writing through it would change the seed.
    rmSync(join(draft, database));
    copyFileSync(join(source, database), join(draft, database));
  }
  copyFileSync(join(seed, "images.json"), imageRecordFile(region));
  renameSync(draft, target);
}

const containerdRoot = (region: Topology): string => join(foldersOf(region).state, "containerd");
