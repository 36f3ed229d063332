import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { basename } from "node:path";
import type { Reporter } from "../progress.ts";
import type { Download } from "./tools.ts";

/** Why a file could not be had; one line, fit to be shown. */
export class DownloadFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DownloadFailed";
  }
}

/** Longest wait for a server's first answer: where only package registries are reachable, every host costs this once. */
const answerMs = 5_000;
/** Longest pause between two pieces of a body. */
const stallMs = 20_000;
const reportEveryMs = 1_000;

/** Fetches published files for one run, and does not ask a host again that could not be reached. */
export class Downloader {
  readonly #unreachable = new Map<string, string>();

  /**
   * Fetches a file and checks it against its publisher's list.
   * @throws DownloadFailed, and then `file` does not exist.
   */
  async fetchVerified(
    download: Download,
    file: string,
    reporter: Reporter,
    signal?: AbortSignal,
  ): Promise<void> {
    const { url, checksums } = download;
    const name = basename(new URL(url).pathname);
    try {
      const published = checksumFor(name, await this.#text(checksums, signal));
      if (published === undefined) throw new DownloadFailed(`${checksums} does not list ${name}`);
      const actual = await this.#save(url, file, reporter, signal);
      if (actual !== published) {
        throw new DownloadFailed(
          `${name} has SHA-256 ${actual}, its publisher says ${published}: refused`,
        );
      }
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  async #text(url: string, signal?: AbortSignal): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#body(url, signal)) chunks.push(chunk.bytes);
    return Buffer.concat(chunks).toString("utf8");
  }

  async #save(
    url: string,
    file: string,
    reporter: Reporter,
    signal?: AbortSignal,
  ): Promise<string> {
    const hash = createHash("sha256");
    const handle = await open(file, "w", 0o755);
    let received = 0;
    let reported = 0;
    try {
      for await (const { bytes, total } of this.#body(url, signal)) {
        hash.update(bytes);
        await handle.writeFile(bytes);
        received += bytes.length;
        if (performance.now() - reported > reportEveryMs) {
          reported = performance.now();
          reporter.status(`downloading ${basename(file)}: ${progress(received, total)}`);
        }
      }
    } finally {
      await handle.close();
    }
    return hash.digest("hex");
  }

  /** Pieces of a body as they come, with its whole length where the server tells. */
  async *#body(
    url: string,
    signal?: AbortSignal,
  ): AsyncGenerator<{ bytes: Uint8Array; total: number }> {
    const { host } = new URL(url);
    const known = this.#unreachable.get(host);
    if (known !== undefined) throw new DownloadFailed(known);
    const watchdog = new Watchdog();
    let answered = false;
    try {
      watchdog.expect(`no answer within ${String(answerMs / 1000)} s`, answerMs);
      const response = await fetch(url, {
        signal: AbortSignal.any([watchdog.signal, ...(signal ? [signal] : [])]),
      });
      answered = true;
      if (!response.ok) throw new DownloadFailed(`${url} answers ${String(response.status)}`);
      const total = Number(response.headers.get("content-length") ?? 0);
      const stalled = `no data for ${String(stallMs / 1000)} s`;
      watchdog.expect(stalled, stallMs);
      for await (const bytes of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        watchdog.expect(stalled, stallMs);
        yield { bytes, total };
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof DownloadFailed) throw error;
      if (answered) throw new DownloadFailed(`${url} broke off: ${reasonOf(error)}`);
      const reason = `${host} cannot be reached (${reasonOf(error)})`;
      this.#unreachable.set(host, reason);
      throw new DownloadFailed(reason);
    } finally {
      watchdog.rest();
    }
  }
}

/** Aborts its signal when what is expected next does not come in time. */
class Watchdog {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  expect(otherwise: string, withinMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Error(otherwise));
    }, withinMs);
  }

  rest(): void {
    clearTimeout(this.#timer);
  }
}

/** The hash of `name` in a publisher's list, or a list's only hash. */
export function checksumFor(name: string, list: string): string | undefined {
  for (const line of list.split("\n")) {
    const [hash, file] = line.trim().split(/\s+\*?/);
    if (hash === undefined || !/^[0-9a-f]{64}$/i.test(hash)) continue;
    if (file === undefined || basename(file) === name) return hash.toLowerCase();
  }
  return undefined;
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);

const progress = (received: number, total: number): string =>
  total === 0 ? `${megabytes(received)} MB` : `${megabytes(received)} of ${megabytes(total)} MB`;

/** What `fetch` hides behind "fetch failed": the system's error code where there is one. */
function reasonOf(error: unknown): string {
  const { cause = error } = error as { readonly cause?: unknown };
  const { code, message } = cause as { readonly code?: string; readonly message?: string };
  return code ?? message ?? String(cause);
}
