import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { V1Pod, V1PodList } from "@kubernetes/client-node";
import { ApiClient } from "../../../diagnosis/api.ts";
import { engineFolder, kubeconfigFile } from "../../../rehearsal/paths.ts";
import type { Ground } from "../../../rehearsal/ground.ts";
import { type RegionKey, type Topology, topology } from "../../../rehearsal/regions/topology.ts";
import { run } from "../../../rehearsal/command.ts";
import type { StackChange, StackOutcome } from "./change-stack.ts";

export const namespace = "gravl-local";
const keys: readonly RegionKey[] = ["a", "b"];
/** Longer than any change takes. */
const deadlineSeconds = 15 * 60;
const selector = "app.kubernetes.io/component=database";

/** The rehearsal's two databases, as somebody with kubectl sees them. */
export class TwoDatabases {
  readonly #ground: Ground;
  readonly #apis: Readonly<Record<RegionKey, ApiClient>>;

  constructor(ground: Ground) {
    this.#ground = ground;
    const api = ({ kubeContext: context }: Topology) =>
      new ApiClient({ kubeconfig: kubeconfigFile, context });
    this.#apis = { a: api(topology.a), b: api(topology.b) };
  }

  /** One `up` with other settings, in a process of its own. */
  async change(
    settings: Readonly<Record<string, unknown>>,
    more: Omit<StackChange, "ground" | "settings"> = {},
  ): Promise<StackOutcome> {
    const { code, stdout, lines } = await run(process.execPath, this.#changing(settings, more), {
      timeoutSeconds: deadlineSeconds,
    });
    const answer = stdout.trim().split("\n").at(-1) ?? "";
    if (code !== 0 || !answer.startsWith("{")) throw new Error(lines.join("\n"));
    return JSON.parse(answer) as StackOutcome;
  }

  /**
   * The same, ended with all that it started by SIGKILL a while after the engine took the stack, as by a crash of the
   * machine.
   * @returns whether it was still at work
   */
  async killedChange(
    settings: Readonly<Record<string, unknown>>,
    more: Omit<StackChange, "ground" | "settings">,
    afterMilliseconds: number,
  ): Promise<boolean> {
    // One that was killed before has left its lock.
    const before = new Set(engineLocks());
    const isTaken = () => engineLocks().some((lock) => !before.has(lock));
    const child = spawn(process.execPath, this.#changing(settings, more), {
      detached: true,
      stdio: "ignore",
    });
    const ended = once(child, "exit");
    while (!isTaken() && child.exitCode === null) await sleep(50);
    await Promise.race([sleep(afterMilliseconds), ended]);
    const isAtWork = child.exitCode === null;
    if (isAtWork && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await ended;
    return isAtWork;
  }

  #changing(
    settings: Readonly<Record<string, unknown>>,
    more: Omit<StackChange, "ground" | "settings">,
  ): string[] {
    // JSON leaves out what cannot be sent: the archive's functions.
    const ground = { ...this.#ground, archive: undefined };
    const script = join(import.meta.dirname, "change-stack.ts");
    return [script, JSON.stringify({ ...more, ground, settings })];
  }

  /** Never holds up what else goes on, such as a writer. */
  async kubectl(key: RegionKey, args: readonly string[]): Promise<string> {
    const words = ["--kubeconfig", kubeconfigFile, "--context", topology[key].kubeContext];
    const { stdout } = await promisify(execFile)(
      this.#ground.kubectl,
      [...words, "--request-timeout=10s", "-n", namespace, ...args],
      { maxBuffer: 2 ** 27 },
    );
    return stdout;
  }

  /** The same for those who can wait for it. */
  kubectlSync(key: RegionKey): (args: readonly string[]) => string {
    const place = ["--kubeconfig", kubeconfigFile, "--context", topology[key].kubeContext];
    const options = { encoding: "utf8", maxBuffer: 2 ** 27 } as const;
    return (args) => execFileSync(this.#ground.kubectl, [...place, ...args], options);
  }

  /** Makes an object as it is given. */
  async apply(key: RegionKey, object: object): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "lifeline-object-"));
    const file = join(folder, "object.json");
    writeFileSync(file, JSON.stringify(object));
    await this.kubectl(key, ["create", "-f", file]);
    rmSync(folder, { recursive: true });
  }

  /** Asked often: without a process for each question. */
  async members(key: RegionKey): Promise<V1Pod[]> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const query = { labelSelector: selector };
    return (await this.#apis[key].json<V1PodList>({ method: "GET", path, query })).items;
  }

  /** The member that leads its region, writing or not. */
  async leader(key: RegionKey): Promise<V1Pod> {
    const found = (await this.members(key)).find(
      ({ metadata }) => metadata?.labels?.["postgres-role"] === "leader",
    );
    if (found === undefined) throw new Error(`${topology[key].awsRegion} has no leader`);
    return found;
  }

  /** A command in one of a member's containers. */
  async exec(
    key: RegionKey,
    pod: string,
    container: "postgres" | "agent",
    command: readonly string[],
  ): Promise<string> {
    const words = ["exec", pod, "-c", container, "--", ...command];
    return (await this.kubectl(key, words)).trim();
  }

  /** An answer of the leader's own server, or of another member's, through its socket. */
  async query(
    key: RegionKey,
    sql: string,
    member?: string,
    ...more: readonly string[]
  ): Promise<string> {
    const pod = member ?? (await this.leader(key)).metadata?.name ?? "";
    const psql = ["psql", "-XAtq", "--username=postgres", "--dbname=gravl"];
    const commands = [sql, ...more].map((command) => `--command=${command}`);
    return this.exec(key, pod, "postgres", [...psql, ...commands]);
  }

  /** Waits while the region has no leader that answers: one that rewinds comes back within a minute. */
  async rows(key: RegionKey, sql: string): Promise<string[]> {
    for (let second = 0; ; second += 1) {
      try {
        return (await this.query(key, sql)).split("\n");
      } catch (error) {
        if (second === 90) throw error;
        await sleep(1000);
      }
    }
  }

  /** Waits until every member of both regions is Ready, one region writes and the other streams from it. */
  async healthy(active: RegionKey, withinSeconds = 300): Promise<number> {
    const started = performance.now();
    for (;;) {
      const trouble = await this.#trouble(active);
      const seconds = (performance.now() - started) / 1000;
      if (trouble === undefined) return seconds;
      if (seconds > withinSeconds) throw new Error(`not healthy: ${trouble}`);
      await sleep(1000);
    }
  }

  async #trouble(active: RegionKey): Promise<string | undefined> {
    try {
      for (const key of keys) {
        const members = await this.members(key);
        const unready = members.filter((pod) => !isReady(pod)).map((pod) => pod.metadata?.name);
        if (members.length < 2) return `${key} has ${String(members.length)} members`;
        if (unready.length > 0) return `${unready.join(", ")} not ready`;
        const writes = (await this.query(key, "SELECT NOT pg_is_in_recovery()")) === "t";
        if (writes !== (key === active)) return `${key} ${writes ? "writes" : "does not write"}`;
      }
      const standby = active === "a" ? "b" : "a";
      const receiver = await this.query(standby, "SELECT status FROM pg_stat_wal_receiver");
      return receiver === "streaming" ? undefined : `${standby} does not stream: "${receiver}"`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

/** Of the rehearsal's stack: of the engine that is at work on it, and of those that were killed. */
function engineLocks(): string[] {
  const folder = join(engineFolder, "state", ".pulumi", "locks");
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

export function isReady({ status }: V1Pod): boolean {
  return (
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
  );
}

/** Whether a command for the region's API is answered. */
export const answers = (ground: Ground, key: RegionKey): boolean =>
  spawnSync(ground.kubectl, [
    ...["--kubeconfig", kubeconfigFile, "--context", topology[key].kubeContext],
    ...["--request-timeout=3s", "get", "--raw", "/readyz"],
  ]).status === 0;
