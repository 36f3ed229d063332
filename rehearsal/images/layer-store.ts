import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { run } from "../command.ts";
import { Problem } from "../problem.ts";
import { hashFile } from "./content-hash.ts";
import { makeTemporaryFolder, removeAbandoned } from "./temporary-folder.ts";

/** One finished layer. */
export interface Layer {
  /** Identifies what the layer was made from. */
  readonly key: string;
  /** Digest of its plain tar file: `sha256:...`. */
  readonly diffId: string;
  /** The compressed tar file, its digest and its size in bytes. */
  readonly blob: { readonly file: string; readonly digest: string; readonly size: number };
  /** No file was changed: images leave it out. */
  readonly empty: boolean;
}

/** What is to be done in a fresh layer: arguments of layer-step.sh after STEP and LOWER, and files it needs. */
export interface LayerWork {
  readonly action: "run" | "copy";
  readonly args: readonly string[];
  /** Fills the step's folder before it starts. */
  readonly prepare: (step: string) => Promise<void>;
}

/** A base layer has nothing below it. */
export interface BaseWork {
  readonly action: "base";
  readonly args: readonly string[];
  readonly prepare: (step: string) => Promise<void>;
}

const scripts = import.meta.dirname;

/**
 * Layers by what they were made from, made once. Safe beside other processes and after `kill -9`: a layer appears by
 * rename, and what a dead process left half-made is removed by the next one.
 */
export class LayerStore {
  readonly #folder: string;
  readonly #making = new Map<string, Promise<Layer>>();

  constructor(folder: string) {
    this.#folder = folder;
    removeAbandoned(folder);
  }

  /** The layer for this key: kept, being made already, or made now by `work` on the layers `below` (lowest first). */
  layer(
    key: string,
    below: readonly Layer[],
    work: LayerWork | BaseWork,
    onLine: (line: string) => void,
  ): Promise<Layer> {
    const making = this.#making.get(key) ?? this.#keptOrMade(key, below, work, onLine);
    this.#making.set(key, making);
    return making;
  }

  async #keptOrMade(
    key: string,
    below: readonly Layer[],
    work: LayerWork | BaseWork,
    onLine: (line: string) => void,
  ): Promise<Layer> {
    const kept = join(this.#folder, key);
    if (!existsSync(kept)) {
      const step = makeTemporaryFolder(this.#folder);
      try {
        await this.#make(step, below, work, onLine);
        publish(step, kept);
      } finally {
        rmSync(step, { recursive: true, force: true });
      }
    }
    const { blob, ...facts } = JSON.parse(readFileSync(join(kept, "layer.json"), "utf8")) as Layer;
    return { ...facts, key, blob: { ...blob, file: join(kept, "blob") } };
  }

  async #make(
    step: string,
    below: readonly Layer[],
    work: LayerWork | BaseWork,
    onLine: (line: string) => void,
  ): Promise<void> {
    const started = Math.floor(Date.now() / 1000) - 1;
    const lower = below
      .map(({ key }) => `${key}/upper`)
      .reverse()
      .join(":");
    await work.prepare(step);
    // Dies with this process, and with it its mounts: no clean-up is needed after kill -9.
    const isolated = [
      "--pdeathsig",
      "KILL",
      "unshare",
      "--mount",
      "--pid",
      "--mount-proc",
      "--fork",
      "--kill-child",
    ];
    const place = work.action === "base" ? [step] : [step, lower];
    await this.#script(
      ["setpriv", ...isolated, join(scripts, "layer-step.sh"), work.action, ...place, ...work.args],
      onLine,
    );
    await this.#script([join(scripts, "pack-layer.sh"), step, lower, String(started)], onLine);
    const blob = join(step, "blob");
    const facts = {
      diffId: `sha256:${readFileSync(join(step, "diff-id"), "utf8").trim()}`,
      blob: { digest: `sha256:${await hashFile(blob)}`, size: statSync(blob).size },
      empty: readdirSync(join(step, "upper")).length === 0,
    };
    writeFileSync(join(step, "layer.json"), JSON.stringify(facts));
    for (const name of readdirSync(step))
      if (!["upper", "blob", "layer.json"].includes(name))
        rmSync(join(step, name), { recursive: true, force: true });
  }

  async #script(words: readonly string[], onLine: (line: string) => void): Promise<void> {
    const [program = "", ...args] = words;
    const { code, lines } = await run(program, args, { cwd: this.#folder, onLine });
    if (code === 0) return;
    const tail = lines.slice(-15).join("\n");
    throw new Problem(`exit code ${String(code)}; its last lines were:\n${tail}`);
  }
}

/** Two processes may finish the same layer: the first one's stays, as others may be using it. */
function publish(step: string, kept: string): void {
  try {
    renameSync(step, kept);
  } catch (error) {
    if (!existsSync(kept)) throw error;
  }
}
