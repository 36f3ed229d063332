import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

interface Entry {
  readonly region: string;
}

/**
 * What exists in the pretended account: type and id only, never inputs, which may be secret.
 * Kept in a file, it outlives this process as a real account would.
 */
export class Store {
  readonly #file: string | undefined;
  readonly #entries: Map<string, Entry>;

  constructor(file: string | undefined) {
    this.#file = file;
    const saved =
      file !== undefined && existsSync(file)
        ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, Entry>)
        : {};
    this.#entries = new Map(Object.entries(saved));
  }

  has(type: string, id: string): boolean {
    return this.#entries.has(key(type, id));
  }

  add(type: string, id: string, region: string): void {
    this.#entries.set(key(type, id), { region });
    this.#save();
  }

  remove(type: string, id: string): void {
    this.#entries.delete(key(type, id));
    this.#save();
  }

  #save(): void {
    if (this.#file === undefined) return;
    const unfinished = `${this.#file}.new`;
    writeFileSync(unfinished, JSON.stringify(Object.fromEntries(this.#entries), undefined, 1));
    renameSync(unfinished, this.#file);
  }
}

const key = (type: string, id: string) => `${type} ${id}`;
