import { randomUUID } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Reporter } from "../progress.ts";
import { takeLock } from "../process-lock.ts";

/** How a tool came to be on this machine. */
export type How = "found" | "downloaded" | "built";

export interface Origin {
  readonly how: How;
  /** Why it was not had in the quicker way before this one. */
  readonly because?: string;
}

export interface CachedFolder extends Origin {
  readonly folder: string;
  /** True when an earlier run, or another one beside this, had made it. */
  readonly fromCache: boolean;
}

export interface CachedFolderArgs {
  /** Where the result goes; its name must change whenever its content would. */
  readonly folder: string;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal | undefined;
  /** Fills an empty folder, which becomes the result only when this succeeds. */
  readonly fill: (partial: string) => Promise<Origin>;
}

/** What a complete folder holds besides its content: the proof that it is complete. */
interface Inventory {
  readonly origin: Origin;
  /** Bytes by path: a power cut can leave a renamed file empty. */
  readonly sizes: Readonly<Record<string, number>>;
}

const inventoryName = "acquired.json";
const partialPrefix = ".partial-";
const lockPollMs = 300;

/**
 * Fills a folder once, whatever happens: an interrupted fill leaves nothing that a later run would use, and of two
 * runs one fills while the other waits, says so, and takes the result.
 */
export async function cachedFolder(args: CachedFolderArgs): Promise<CachedFolder> {
  const { folder } = args;
  const ready = await inventoryOf(folder);
  if (ready !== undefined) return { ...ready.origin, folder, fromCache: true };
  const unlock = await lock(args);
  try {
    const meanwhile = await inventoryOf(folder);
    if (meanwhile !== undefined) return { ...meanwhile.origin, folder, fromCache: true };
    await removePartials(dirname(folder));
    return { ...(await fillAndPublish(args)), folder, fromCache: false };
  } finally {
    unlock();
  }
}

async function fillAndPublish({ folder, fill }: CachedFolderArgs): Promise<Origin> {
  const partial = join(dirname(folder), `${partialPrefix}${randomUUID()}`);
  await mkdir(partial, { recursive: true });
  try {
    const origin = await fill(partial);
    const inventory: Inventory = { origin, sizes: await sizesIn(partial) };
    await writeFile(join(partial, inventoryName), JSON.stringify(inventory, null, 2));
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    return origin;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function lock({ folder, reporter, signal }: CachedFolderArgs): Promise<() => void> {
  const tool = basename(dirname(folder));
  for (;;) {
    signal?.throwIfAborted();
    const taken = takeLock(join(dirname(folder), "lock"), `getting ${tool}`);
    if (typeof taken === "function") return taken;
    reporter.status(
      `waiting for another run, process ${String(taken.pid)}, which is ${taken.command}`,
    );
    await sleep(lockPollMs, undefined, { signal });
  }
}

/** Only the holder of the lock fills, so every partial folder it finds is a dead run's. */
async function removePartials(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(partialPrefix))
      await rm(join(parent, name), { recursive: true, force: true });
  }
}

async function inventoryOf(folder: string): Promise<Inventory | undefined> {
  try {
    const text = await readFile(join(folder, inventoryName), "utf8");
    const inventory = JSON.parse(text) as Inventory;
    for (const [path, size] of Object.entries(inventory.sizes)) {
      if ((await stat(join(folder, path))).size !== size) return undefined;
    }
    return inventory;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT")
      return undefined;
    throw error;
  }
}

async function sizesIn(folder: string): Promise<Record<string, number>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const sized = files.map(
    async (file) => [relative(folder, file), (await stat(file)).size] as const,
  );
  return Object.fromEntries(await Promise.all(sized));
}
