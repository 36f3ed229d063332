import { execFileSync, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import type { V1Pod, V1PodList } from "@kubernetes/client-node";
import { kubeconfigFile } from "../../../rehearsal/paths.ts";
import type { Ground } from "../../../rehearsal/ground.ts";
import { type RegionKey, topology } from "../../../rehearsal/regions/topology.ts";
import { run } from "../../../rehearsal/command.ts";
import type { StackOutcome } from "./change-stack.ts";

export const namespace = "gravl-local";
const keys: readonly RegionKey[] = ["a", "b"];
const selector = "app.kubernetes.io/component=database";

/** The rehearsal's two databases, as somebody with kubectl sees them. */
export class TwoDatabases {
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** One `up` with other settings, in a process of its own. */
  async change(settings: Readonly<Record<string, unknown>>): Promise<StackOutcome> {
    // JSON leaves out what cannot be sent: the archive's functions.
    const ground = { ...this.#ground, archive: undefined };
    const script = join(import.meta.dirname, "change-stack.ts");
    const { code, stdout, lines } = await run(process.execPath, [
      script,
      JSON.stringify({ ground, settings }),
    ]);
    const answer = stdout.trim().split("\n").at(-1) ?? "";
    if (code !== 0 || !answer.startsWith("{")) throw new Error(lines.join("\n"));
    return JSON.parse(answer) as StackOutcome;
  }

  kubectl(key: RegionKey, args: readonly string[]): string {
    const words = ["--kubeconfig", kubeconfigFile, "--context", topology[key].kubeContext];
    return execFileSync(
      this.#ground.kubectl,
      [...words, "--request-timeout=10s", "-n", namespace, ...args],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 27 },
    );
  }

  members(key: RegionKey): V1Pod[] {
    const list = this.kubectl(key, ["get", "pods", "-l", selector, "-o", "json"]);
    return (JSON.parse(list) as V1PodList).items;
  }

  /** The member that leads its region, writing or not. */
  leader(key: RegionKey): V1Pod {
    const found = this.members(key).find(
      ({ metadata }) => metadata?.labels?.["postgres-role"] === "leader",
    );
    if (found === undefined) throw new Error(`${topology[key].awsRegion} has no leader`);
    return found;
  }

  /** An answer of the leader's own server, through its socket. */
  query(key: RegionKey, sql: string): string {
    const pod = this.leader(key).metadata?.name ?? "";
    const psql = ["psql", "-XAtq", "--username=postgres", "--dbname=gravl", "--command", sql];
    return this.kubectl(key, ["exec", pod, "-c", "postgres", "--", ...psql]).trim();
  }

  /** Waits while the region has no leader that answers: one that rewinds comes back within a minute. */
  async rows(key: RegionKey, sql: string): Promise<string[]> {
    for (let second = 0; ; second += 1) {
      try {
        return this.query(key, sql).split("\n");
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
      const trouble = this.#trouble(active);
      const seconds = (performance.now() - started) / 1000;
      if (trouble === undefined) return seconds;
      if (seconds > withinSeconds) throw new Error(`not healthy: ${trouble}`);
      await sleep(1000);
    }
  }

  #trouble(active: RegionKey): string | undefined {
    try {
      for (const key of keys) {
        const members = this.members(key);
        const unready = members.filter((pod) => !isReady(pod)).map((pod) => pod.metadata?.name);
        if (members.length < 2) return `${key} has ${String(members.length)} members`;
        if (unready.length > 0) return `${unready.join(", ")} not ready`;
        const writes = this.query(key, "SELECT NOT pg_is_in_recovery()") === "t";
        if (writes !== (key === active)) return `${key} ${writes ? "writes" : "does not write"}`;
      }
      const standby = active === "a" ? "b" : "a";
      const receiver = this.query(standby, "SELECT status FROM pg_stat_wal_receiver");
      return receiver === "streaming" ? undefined : `${standby} does not stream: "${receiver}"`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function isReady({ status }: V1Pod): boolean {
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
