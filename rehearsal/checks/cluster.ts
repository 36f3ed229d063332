import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Answer, ApiClient, type Method } from "../../diagnosis/api.ts";

/** Longest silence of a server, and longest run of a command. */
const timeoutSeconds = 10;

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
  /** Path; undefined: KUBECONFIG or ~/.kube/config, as kubectl itself looks for it. */
  readonly kubeconfig: string | undefined;
  readonly context: string;
  /** Path of the kubectl executable; commands in containers go through it. */
  readonly kubectl: string;
}

/** Throws when the kubeconfig has no such context; the cluster itself is not contacted yet. */
export function connect({ kubeconfig, context, kubectl }: ClusterAccess): Cluster {
  const client = new ApiClient({ kubeconfig, context });
  return {
    context,
    request: (method, path, body) =>
      client.answer({
        ...{ method, path, body, contentType: contentType(method, path) },
        timeoutMilliseconds: timeoutSeconds * 1000,
      }),
    async exec({ namespace, pod, container }, command) {
      const { stdout } = await promisify(execFile)(
        kubectl,
        [
          ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
          ...["--context", context, "--namespace", namespace],
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
