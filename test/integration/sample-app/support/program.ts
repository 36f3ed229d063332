import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  describeWithPostgres,
  type Finished,
  finished,
  freePort,
} from "../../images/support/postgres.ts";

const sampleApp = join(import.meta.dirname, "../../../../rehearsal/sample-app");

const driver =
  spawnSync(process.execPath, ["-e", "require('pg')"], { cwd: sampleApp }).status === 0;
if (!driver && process.env["CI"] === "true")
  throw new Error("the Postgres driver is missing: npm install");

/** `describe` for tests of what talks to Postgres; where that cannot run the title says what is skipped. */
export const describeWithDatabase = (title: string, tests: () => void): void => {
  if (driver) describeWithPostgres(title, tests);
  else describe.skip(`${title} (needs the Node package pg, which is not installed)`, tests);
};

/** Runs one of the sample application's programs as its container does. */
export function startProgram(
  path: string,
  environment: Record<string, string>,
  args: readonly string[] = [],
): ChildProcess {
  return spawn(process.execPath, [join(sampleApp, path), ...args], {
    env: {
      PATH: process.env["PATH"],
      NODE_PATH: process.env["NODE_PATH"],
      DATABASE_SSL_MODE: "disable",
      ...environment,
    },
  });
}

export const runProgram = (...args: Parameters<typeof startProgram>): Promise<Finished> =>
  finished(startProgram(...args));

/** A service of the sample application, started and answering. */
export class Service {
  readonly origin: string;
  readonly metricsOrigin: string;
  readonly ended: Promise<Finished>;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(process: ChildProcess, port: number, metricsPort: number, folder: string) {
    this.#process = process;
    this.#folder = folder;
    this.origin = `http://127.0.0.1:${String(port)}`;
    this.metricsOrigin = `http://127.0.0.1:${String(metricsPort)}`;
    this.ended = finished(process);
  }

  static async start(path: string, environment: Record<string, string>): Promise<Service> {
    const folder = mkdtempSync(join(tmpdir(), "lifeline-service-"));
    writeFileSync(join(folder, "jwt"), "canary-jwt\n");
    const [port, metricsPort] = [await freePort(), await freePort()];
    const child = startProgram(path, {
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      RELEASE_VERSION: "v1.0.0",
      JWT_SECRET_FILE: join(folder, "jwt"),
      ...environment,
    });
    const service = new Service(child, port, metricsPort, folder);
    for (let attempt = 0; !(await service.alive()); attempt += 1) {
      if (child.exitCode !== null || attempt === 200) throw new Error((await service.ended).output);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return service;
  }

  async alive(): Promise<boolean> {
    return fetch(`${this.origin}/healthz`)
      .then(({ ok }) => ok)
      .catch(() => false);
  }

  /** Status and JSON of an answer. */
  async get(path: string): Promise<{ status: number; json: unknown }> {
    const reply = await fetch(`${this.origin}${path}`);
    return { status: reply.status, json: await reply.json() };
  }

  async post(path: string, body: string): Promise<{ status: number; json: unknown }> {
    const reply = await fetch(`${this.origin}${path}`, { method: "POST", body });
    return { status: reply.status, json: await reply.json() };
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.metricsOrigin}/metrics`)).text();
  }

  terminate(): void {
    this.#process.kill("SIGTERM");
  }

  async stop(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
