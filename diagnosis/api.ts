import { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/** Longest silence of the server, in milliseconds; a lost region answers nothing at all. */
const requestTimeout = 15_000;

/** The API server said no. */
export class ApiError extends Error {
  readonly status: number;
  /** Machine-readable cause, such as `AlreadyExists`. */
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** The API server did not answer. */
export class Unreachable extends Error {}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface ApiRequest {
  readonly method: Method;
  /** May have a query already. */
  readonly path: string;
  /** In place of the path's. */
  readonly query?: Record<string, string>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** @default 15 000 */
  readonly timeoutMilliseconds?: number;
}

/** What the API server said. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Which cluster, and as whom. */
export interface ClusterAccess {
  /** Content or path of a kubeconfig; undefined: KUBECONFIG or ~/.kube/config. */
  readonly kubeconfig: string | undefined;
  /** @default the kubeconfig's current context */
  readonly context: string | undefined;
}

/** Plain HTTPS to one API server, authenticated by a kubeconfig. */
export class ApiClient {
  readonly server: string;
  readonly #config: KubeConfig;
  #agent: https.Agent | undefined;

  constructor(access: ClusterAccess) {
    this.#config = load(access);
    this.server = this.#config.getCurrentCluster()?.server ?? "";
    if (this.server === "") {
      throw new Error(`kubeconfig: no cluster for context "${this.#config.getCurrentContext()}"`);
    }
  }

  /** JSON of the answer. */
  async json<T>(request: ApiRequest): Promise<T> {
    return JSON.parse(await this.text(request)) as T;
  }

  async text(request: ApiRequest): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const { status, body } = await this.answer(request);
      if (status < 300) return body;
      const error = toApiError(status, body);
      if (attempt === 4 || !isPassing(error, request)) throw error;
      await sleep(250 * 2 ** attempt);
    }
  }

  /** Any answer, as it is. @throws Unreachable when there is none */
  async answer(request: ApiRequest): Promise<Answer> {
    const options: https.RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    this.#agent ??= new https.Agent({
      keepAlive: true,
      ...{ ca, cert, key, servername },
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    });
    const timeout = request.timeoutMilliseconds ?? requestTimeout;
    const url = new URL(this.server.replace(/\/$/, "") + request.path);
    if (request.query !== undefined) url.search = new URLSearchParams(request.query).toString();
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const headers = {
      ...(options.headers as Record<string, string> | undefined),
      accept: "application/json",
      ...(body === undefined
        ? {}
        : {
            "content-type": request.contentType ?? "application/json",
            // Node frames the body of a DELETE by nothing else.
            "content-length": String(Buffer.byteLength(body)),
          }),
    };
    return new Promise((resolve, reject) => {
      const unreachable = (error: Error & { code?: string }) => {
        // The server closed an idle connection just as it was used again.
        if (call.reusedSocket && error.code === "ECONNRESET") resolve(this.answer(request));
        else
          reject(
            new Unreachable(`${this.server}: ${error.message || (error.code ?? "no answer")}`),
          );
      };
      const call = https.request(
        url,
        { method: request.method, headers, agent: this.#agent, timeout },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("error", unreachable);
          response.once("end", () => {
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
          });
        },
      );
      call.once("timeout", () => {
        call.destroy(new Error(`no answer within ${timeout / 1000} s`));
      });
      call.once("error", unreachable);
      call.end(body);
    });
  }
}

function load({ kubeconfig, context }: ClusterAccess): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else if (/^\s*[{]|\n|:\s/.test(kubeconfig)) config.loadFromString(kubeconfig);
  else config.loadFromFile(kubeconfig);
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      const known = config.getContexts().map(({ name }) => name);
      throw new Error(
        `context must be one of the kubeconfig's (${known.join(", ")}), got "${context}"`,
      );
    }
    config.setCurrentContext(context);
  }
  return config;
}

function toApiError(status: number, body: string): ApiError {
  try {
    const { reason, message } = JSON.parse(body) as { reason?: string; message?: string };
    return new ApiError(status, reason ?? "", message ?? body);
  } catch {
    return new ApiError(status, "", body.trim() || `HTTP ${status}`);
  }
}

/** Whether the same request may well succeed in a moment. */
function isPassing({ status, message }: ApiError, { method }: ApiRequest): boolean {
  if (status === 429 || status === 503 || status === 504) return true;
  // Quotas are counted optimistically by the server, and webhooks start late.
  return (
    (status === 409 && method === "POST" && message.includes("object has been modified")) ||
    (status === 500 && message.includes("failed calling webhook"))
  );
}
