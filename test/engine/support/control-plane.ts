import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Tools } from "../../../rehearsal/toolchain/toolchain.ts";

const startTimeoutMs = 60_000;
const token = "control-plane-of-a-test";

type Bin = Tools<"etcd" | "kube-apiserver" | "kube-controller-manager" | "kubectl">["bin"];

/**
 * A real Kubernetes API with its controllers and no node: objects are stored, defaulted, refused and
 * garbage-collected for real, and pods stay pending until a test says otherwise.
 */
export class ControlPlane {
  readonly kubeconfig: string;
  readonly #bin: Bin;
  readonly #folder: string;
  readonly #processes: ChildProcess[] = [];

  private constructor(bin: Bin) {
    this.#bin = bin;
    this.#folder = mkdtempSync(join(tmpdir(), "control-plane-"));
    this.kubeconfig = join(this.#folder, "kubeconfig");
  }

  static async start(bin: Bin): Promise<ControlPlane> {
    const plane = new ControlPlane(bin);
    try {
      await plane.#start();
      return plane;
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  kubectl(...args: string[]): string {
    return execFileSync(this.#bin.kubectl, ["--kubeconfig", this.kubeconfig, ...args], {
      encoding: "utf8",
      stdio: "pipe",
    });
  }

  /** Writes the status that a node would. */
  setStatus(object: string, status: object): void {
    const patch = JSON.stringify({ status });
    this.kubectl(
      "patch",
      ...object.split(" "),
      "--subresource=status",
      "--type=merge",
      "-p",
      patch,
    );
  }

  async stop(): Promise<void> {
    for (const child of [...this.#processes].reverse()) {
      const ended = new Promise((resolve) => child.once("close", resolve));
      if (child.exitCode === null && child.kill("SIGTERM")) await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const [etcd, peer, api, controllers] = await freePorts(4);
    const at = (name: string) => join(this.#folder, name);
    const { publicKey, privateKey } = generateKeyPairSync("ec", {
      namedCurve: "P-256",
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "sec1", format: "pem" },
    });
    writeFileSync(at("sa.pub"), publicKey);
    writeFileSync(at("sa.key"), privateKey, { mode: 0o600 });
    writeFileSync(at("tokens.csv"), `${token},admin,admin,"system:masters"`, { mode: 0o600 });
    mkdirSync(at("certs"));

    const etcdUrl = `http://127.0.0.1:${etcd}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    this.#run(this.#bin.etcd, [
      `--data-dir=${at("etcd")}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      "--unsafe-no-fsync",
    ]);
    this.#run(this.#bin["kube-apiserver"], [
      `--etcd-servers=${etcdUrl}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--secure-port=${api}`,
      `--cert-dir=${at("certs")}`,
      `--token-auth-file=${at("tokens.csv")}`,
      "--service-cluster-ip-range=10.123.0.0/16",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${at("sa.pub")}`,
      `--service-account-signing-key-file=${at("sa.key")}`,
      "--authorization-mode=RBAC",
      "--endpoint-reconciler-type=none",
    ]);
    const named = { name: "test" };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [
        {
          ...named,
          cluster: {
            server: `https://127.0.0.1:${api}`,
            "certificate-authority": at("certs/apiserver.crt"),
          },
        },
      ],
      users: [{ ...named, user: { token } }],
      contexts: [{ ...named, context: { cluster: "test", user: "test" } }],
    };
    writeFileSync(this.kubeconfig, JSON.stringify(config), { mode: 0o600 });
    await this.#untilReady();
    this.#run(this.#bin["kube-controller-manager"], [
      `--kubeconfig=${this.kubeconfig}`,
      `--authentication-kubeconfig=${this.kubeconfig}`,
      `--authorization-kubeconfig=${this.kubeconfig}`,
      `--service-account-private-key-file=${at("sa.key")}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${controllers}`,
      "--leader-elect=false",
    ]);
  }

  #run(program: string, args: readonly string[]): void {
    const log = openSync(join(this.#folder, "log"), "a");
    this.#processes.push(spawn(program, args, { stdio: ["ignore", log, log] }));
  }

  async #untilReady(): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    for (;;) {
      try {
        this.kubectl("get", "--raw", "/readyz");
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await sleep(200);
      }
    }
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  return Promise.all(
    servers.map(async (server) => {
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      return port;
    }),
  );
}
