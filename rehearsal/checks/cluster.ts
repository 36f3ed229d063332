import { execFile } from "node:child_process";
import { request } from "node:https";
import type { RequestOptions } from "node:https";
import { promisify } from "node:util";
import { KubeConfig } from "@kubernetes/client-node";

/** What the API server said. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface PodReference {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** One cluster, reached as `kubectl --context` reaches it. Everything here is bounded in time. */
export interface Cluster {
  readonly context: string;
  /** Resolves with any status; rejects only when there was no answer. */
  request(method: Method, path: string, body?: object): Promise<Answer>;
  /** Standard output of a command in a container; rejects with its error output when it fails. */
  exec(where: PodReference, command: readonly string[]): Promise<string>;
}

export interface ClusterAccess {
  readonly kubeconfig: string;
  readonly context: string;
  /** Path of the kubectl executable; commands in containers go through it. */
  readonly kubectl: string;
  readonly timeoutSeconds?: number;
}

/** Throws when the kubeconfig has no such context; the cluster itself is not contacted yet. */
export function connect({
  kubeconfig,
  context,
  kubectl,
  timeoutSeconds = 10,
}: ClusterAccess): Cluster {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const known = config.getContexts().map((it) => it.name);
  if (!known.includes(context)) {
    throw new Error(
      `no context ${context} in ${kubeconfig}: it has ${known.join(", ") || "none"}. Choose one of them.`,
    );
  }
  config.setCurrentContext(context);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error(`context ${context} in ${kubeconfig} names no cluster`);

  return {
    context,
    async request(method, path, body) {
      const options: RequestOptions = {
        method,
        headers: body === undefined ? {} : { "content-type": contentType(method, path) },
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      };
      await config.applyToHTTPSOptions(options);
      return send(new URL(server.replace(/\/$/, "") + path), options, body);
    },
    async exec({ namespace, pod, container }, command) {
      const { stdout } = await promisify(execFile)(
        kubectl,
        [
          ...["--kubeconfig", kubeconfig, "--context", context, "--namespace", namespace],
          ...["exec", pod, "--container", container, "--", ...command],
        ],
        { timeout: timeoutSeconds * 1000, maxBuffer: 16 * 1024 * 1024 },
      );
      return stdout;
    },
  };
}

/** Server-side apply is told apart from a merge by its field manager. */
function contentType(method: Method, path: string): string {
  if (method !== "PATCH") return "application/json";
  return path.includes("fieldManager=")
    ? "application/apply-patch+yaml"
    : "application/merge-patch+json";
}

function send(url: URL, options: RequestOptions, body: object | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() });
      });
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
