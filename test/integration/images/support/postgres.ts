import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binaries = "/usr/lib/postgresql/15/bin";
const scripts = join(import.meta.dirname, "../../../../images/postgres");
const nobody = 65534;
const asRoot = process.getuid?.() === 0;

/** Why tests with a real server cannot run here; in CI that is an error. */
const missing = existsSync(join(binaries, "postgres"))
  ? undefined
  : "needs Debian's postgresql-15, which is not installed; npm test installs it when run as root";
if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);

/** `describe` for tests with a real server; where there is none the title says what is skipped. */
export const describeWithPostgres = (title: string, tests: () => void): void => {
  if (missing === undefined) describe(title, tests);
  else describe.skip(`${title} (${missing})`, tests);
};

export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/** A folder with the image's scripts, owned by a user whom Postgres accepts: it refuses root. */
export class Sandbox {
  readonly folder: string;
  readonly environment: Record<string, string>;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "lifeline-postgres-"));
    // The clone may be where only root can read.
    cpSync(scripts, join(this.folder, "scripts"), { recursive: true });
    mkdirSync(join(this.folder, "tmp"));
    this.write("password", "a $trange 'pass\"word\n");
    if (asRoot) for (const name of [".", "tmp"]) chownSync(join(this.folder, name), nobody, nobody);
    this.environment = {
      PATH: `${binaries}:${process.env["PATH"] ?? ""}`,
      LANG: "C.UTF-8",
      TMPDIR: join(this.folder, "tmp"),
      PGDATA: join(this.folder, "volume", "pgdata"),
      GENERATION: "1",
      POSTGRES_DB: "shop",
      POSTGRES_USER: "shop_user",
      POSTGRES_PASSWORD_FILE: join(this.folder, "password"),
    };
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    if (asRoot) chownSync(file, nobody, nobody);
    return file;
  }

  /** Starts a program as the sandbox's user, in a process group of its own. */
  start(command: readonly string[], environment: Record<string, string> = {}): ChildProcess {
    const identity = asRoot
      ? [`--reuid=${String(nobody)}`, `--regid=${String(nobody)}`, "--clear-groups"]
      : [];
    // A server must not outlive a test run that was killed.
    const words = ["setpriv", ...identity, "--pdeathsig=KILL", ...command];
    return spawn(words[0] ?? "", words.slice(1), {
      cwd: this.folder,
      env: { ...this.environment, ...environment },
      detached: true,
    });
  }

  /** Makes an empty database cluster. */
  init(): Promise<Finished> {
    return finished(
      this.start(["initdb", "-D", this.environment["PGDATA"] ?? "", "-U", "postgres", "-N"]),
    );
  }

  /** Runs roles.sql of the image on the server whose socket is in the sandbox. */
  createRoles(port: number): Promise<Finished> {
    const file = join(this.folder, "scripts", "roles.sql");
    const words = ["psql", "-X", "-q", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-f", file];
    return finished(this.start(words, { PGHOST: this.folder, PGPORT: String(port) }));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits for a program and its output. */
export function finished(child: ChildProcess): Promise<Finished> {
  return new Promise((resolve) => {
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    child.on("close", (code) => {
      resolve({ code, output });
    });
  });
}

/** A running server with the roles and the database that the image makes; the application's role connects by password over TCP. */
export class Server {
  readonly sandbox: Sandbox;
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(sandbox: Sandbox, port: number, process: ChildProcess) {
    this.sandbox = sandbox;
    this.port = port;
    this.#process = process;
  }

  static async start(sandbox = new Sandbox()): Promise<Server> {
    const { code, output } = await sandbox.init();
    if (code !== 0) throw new Error(output);
    const port = await freePort();
    const hba = sandbox.write(
      "hba.conf",
      "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    );
    const settings = {
      unix_socket_directories: sandbox.folder,
      listen_addresses: "127.0.0.1",
      port: String(port),
      hba_file: hba,
      fsync: "off",
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const child = sandbox.start([
      "postgres",
      "-D",
      sandbox.environment["PGDATA"] ?? "",
      ...options,
    ]);
    let log = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
    const server = new Server(sandbox, port, child);
    for (let attempt = 0; server.run("SELECT 1", "postgres").status !== 0; attempt += 1) {
      if (child.exitCode !== null || attempt === 100) throw new Error(`no server: ${log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const roles = await sandbox.createRoles(port);
    if (roles.code !== 0) throw new Error(roles.output);
    return server;
  }

  /** The answer to a query by the superuser, as text. */
  query(sql: string, database = "shop"): string {
    const { status, stdout, stderr } = this.run(sql, database);
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  run(sql: string, database: string) {
    const args = [
      "-X",
      "-A",
      "-t",
      "-h",
      this.sandbox.folder,
      "-p",
      String(this.port),
      "-U",
      "postgres",
      "-d",
      database,
    ];
    return spawnSync(join(binaries, "psql"), [...args, "-c", sql], { encoding: "utf8", env: {} });
  }

  /** What an application needs to connect. */
  get databaseEnvironment(): Record<string, string> {
    return {
      DATABASE_HOST: "127.0.0.1",
      DATABASE_PORT: String(this.port),
      DATABASE_NAME: "shop",
      DATABASE_USER: "shop_user",
      DATABASE_PASSWORD_FILE: this.sandbox.environment["POSTGRES_PASSWORD_FILE"] ?? "",
    };
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("close", resolve));
    this.#process.kill("SIGINT");
    await ended;
    this.sandbox.remove();
  }
}

/** A port that nothing listens on right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => {
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  });
}
