import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../command.ts";
import { Problem } from "../problem.ts";
import { runTasks } from "../progress.ts";

const binaries = "/usr/lib/postgresql/15/bin";
/** pgbench's unit is close to 15 MB with its index. */
const megabytesPerScale = 15;
const nobody = 65534;

/** Seconds to make a copy and to have a database back from it. */
export interface CopyTimes {
  readonly gigabytes: number;
  readonly pgbackrest: { readonly copy: number; readonly restore: number };
  readonly dump: { readonly copy: number; readonly restore: number };
  /** Plain files of a stopped server: no tool that reads every byte can be faster. */
  readonly cp: { readonly copy: number; readonly restore: number };
}

/**
 * Base backup and restore as a member does them (compressed, encrypted, every page checked) beside `pg_dump | gzip -6`
 * with `psql`, and beside `cp`, of one pgbench database on one disk. Restored means: accepts connections.
 * @throws Problem naming the step that failed
 */
export async function databaseCopies(gigabytes: number, signal: AbortSignal): Promise<CopyTimes> {
  const folder = mkdtempSync(join(tmpdir(), "lifeline-bench-"));
  if (process.getuid?.() === 0) chownSync(folder, nobody, nobody);
  const bench = new CopyBench(folder, signal);
  try {
    await bench.fill(gigabytes);
    const pgbackrest = await bench.pgbackrest();
    const dump = await bench.dump();
    const cp = await bench.cp();
    return { gigabytes, pgbackrest, dump, cp };
  } finally {
    await bench.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class CopyBench {
  readonly #folder: string;
  readonly #signal: AbortSignal;
  #server: ChildProcess | undefined;

  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
  }

  async fill(gigabytes: number): Promise<void> {
    const scale = Math.ceil((gigabytes * 1024) / megabytesPerScale);
    await this.#titled(`a database of ${String(gigabytes)} GB`, async () => {
      for (const name of ["repository", "log", "lock", "spool"]) this.#own(name);
      writeFileSync(join(this.#folder, "pgbackrest.conf"), this.#pgbackrestConf());
      await this.#must(
        `${binaries}/initdb -D ${this.#at("data")} -U postgres -k -E UTF8 --locale=C.UTF-8`,
      );
      await this.#start("data", [
        "archive_mode=on",
        `archive_command=${this.#pgbackrest("archive-push %p")}`,
        "max_wal_size=4GB",
      ]);
      await this.#must(this.#pgbackrest("stanza-create"));
      await this.#must(
        `${binaries}/pgbench -h ${this.#folder} -U postgres -i -q -s ${String(scale)} postgres`,
      );
      await this.#must(`${binaries}/psql -h ${this.#folder} -U postgres -c CHECKPOINT`);
    });
  }

  async pgbackrest(): Promise<{ copy: number; restore: number }> {
    const copy = await this.#titled("pgbackrest backup", () =>
      this.#must(this.#pgbackrest("backup --type=full")),
    );
    await this.#stop();
    this.#own("restored");
    const restore = await this.#titled("pgbackrest restore", async () => {
      await this.#must(this.#pgbackrest(`restore --pg1-path=${this.#at("restored")}`));
      await this.#start("restored", ["archive_mode=off"]);
    });
    await this.#stop();
    this.#remove("restored");
    return { copy, restore };
  }

  async dump(): Promise<{ copy: number; restore: number }> {
    await this.#start("data", ["archive_mode=off"]);
    const connect = `-h ${this.#folder} -U postgres`;
    const copy = await this.#titled("pg_dump | gzip -6", () =>
      this.#must(
        `${binaries}/pg_dump ${connect} postgres | gzip -6 >${this.#at("dump.sql.gz")} && sync`,
      ),
    );
    const restore = await this.#titled("gunzip | psql", async () => {
      await this.#must(`${binaries}/createdb ${connect} restored`);
      await this.#must(
        `gunzip -c ${this.#at("dump.sql.gz")} | ${binaries}/psql ${connect} -q -v ON_ERROR_STOP=1 restored`,
      );
    });
    await this.#must(`${binaries}/dropdb ${connect} restored`);
    await this.#stop();
    return { copy, restore };
  }

  async cp(): Promise<{ copy: number; restore: number }> {
    const copy = await this.#titled("cp -a", () =>
      this.#must(`cp -a ${this.#at("data")} ${this.#at("copy")} && sync`),
    );
    const restore = await this.#titled("cp -a, back", async () => {
      await this.#must(`cp -a ${this.#at("copy")} ${this.#at("restored")} && sync`);
      await this.#start("restored", ["archive_mode=off"]);
    });
    return { copy, restore };
  }

  async close(): Promise<void> {
    await this.#stop();
  }

  #pgbackrestConf(): string {
    return [
      "[global]",
      `repo1-path=${this.#at("repository")}`,
      "repo1-cipher-type=aes-256-cbc",
      "repo1-cipher-pass=of-this-measurement-only",
      `log-path=${this.#at("log")}`,
      `lock-path=${this.#at("lock")}`,
      `spool-path=${this.#at("spool")}`,
      "compress-type=zst",
      "process-max=2",
      "start-fast=y",
      "log-level-file=off",
      "log-level-console=warn",
      "[main]",
      `pg1-path=${this.#at("data")}`,
      `pg1-socket-path=${this.#folder}`,
      "pg1-user=postgres",
      "",
    ].join("\n");
  }

  #pgbackrest(command: string): string {
    return `pgbackrest --config=${this.#at("pgbackrest.conf")} --stanza=main ${command}`;
  }

  async #start(data: string, settings: readonly string[]): Promise<void> {
    const options = [
      ...settings,
      "listen_addresses=",
      `unix_socket_directories=${this.#folder}`,
      "shared_buffers=512MB",
    ].map((setting) => `-c '${setting}'`);
    const command = `exec ${binaries}/postgres -D ${this.#at(data)} ${options.join(" ")} >>${this.#at("log/server")} 2>&1`;
    const [program = "", ...words] = asServer(command);
    const server = spawn(program, words, { stdio: "ignore" });
    this.#server = server;
    const query = `${binaries}/psql -h ${this.#folder} -U postgres -qtAc 'SELECT 1' postgres`;
    while ((await this.#try(query)).code !== 0) {
      if (server.exitCode !== null)
        throw new Problem(`the server on ${data} ended; see its log in ${this.#folder}`);
      await sleep(100, undefined, { signal: this.#signal });
    }
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server?.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once("close", resolve));
    server.kill("SIGINT");
    await ended;
  }

  async #titled(title: string, work: () => Promise<unknown>): Promise<number> {
    let seconds = 0;
    await runTasks([
      {
        title,
        run: async () => {
          const started = performance.now();
          await work();
          seconds = (performance.now() - started) / 1000;
          return "done";
        },
      },
    ]);
    return seconds;
  }

  #try(command: string) {
    const [program = "", ...words] = asServer(command);
    return run(program, words, { cwd: this.#folder, signal: this.#signal });
  }

  async #must(command: string): Promise<void> {
    const { code, lines } = await this.#try(command);
    if (code !== 0) throw new Problem(`${command}:\n${lines.slice(-20).join("\n")}`);
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }

  #own(name: string): void {
    mkdirSync(this.#at(name), { mode: 0o700 });
    if (process.getuid?.() === 0) chownSync(this.#at(name), nobody, nobody);
  }

  #remove(name: string): void {
    rmSync(this.#at(name), { recursive: true, force: true });
  }
}

/** Postgres refuses root. A server must not outlive a measurement that was killed. */
function asServer(command: string): string[] {
  const identity =
    process.getuid?.() === 0
      ? [`--reuid=${String(nobody)}`, `--regid=${String(nobody)}`, "--clear-groups"]
      : [];
  return ["setpriv", ...identity, "--pdeathsig=TERM", "bash", "-o", "pipefail", "-c", command];
}
