// @ts-check
// What every HTTP service of the application does alike: routes, health, metrics, and an orderly end.
import { createServer } from "node:http";
import { RequestMetrics } from "./metrics.mjs";
import { setting, wholeNumber } from "./settings.mjs";

/**
 * @typedef {object} Reply
 * @property {number} status
 * @property {unknown} [json]
 * @property {string} [html]
 */
/** @typedef {(request: import("node:http").IncomingMessage) => Reply | Promise<Reply>} Handler */
/**
 * @typedef {object} ServiceArgs
 * @property {string} name
 * @property {Record<string, Handler>} routes by method and path, such as "GET /api/notes"
 * @property {() => Promise<string | undefined>} notReadyBecause why no traffic should come; undefined when it may
 * @property {() => Promise<void>} [close] gives back what the service holds, after the last answer
 */

/** Time in which the last health checks still see that this process is on its way out. */
const drainMs = 1_000;
/** Longer than the Gateway keeps one: else a request may meet a connection that ends, and one that writes is not tried again. */
const idleConnectionMs = 120_000;
/** Longest that answers under way are waited for: the platform kills after 20 seconds. */
const finishMs = 15_000;

/**
 * Serves until SIGTERM; then /readyz turns 503, answers under way are finished, and the process ends with 0.
 * @param {ServiceArgs} args
 */
export function startService({ name, routes, notReadyBecause, close }) {
  const release = setting("RELEASE_VERSION");
  const metrics = new RequestMetrics(release);
  let stopping = false;

  /** @type {Record<string, Handler>} */
  const allRoutes = {
    ...routes,
    "GET /healthz": () => ({ status: 200, json: { status: "ok" } }),
    "GET /readyz": async () => {
      const reason = stopping ? "shutting down" : await notReadyBecause();
      return reason === undefined
        ? { status: 200, json: { status: "ok", release } }
        : { status: 503, json: { status: "not ready", reason } };
    },
  };
  const paths = new Set(Object.keys(allRoutes).map((route) => route.split(" ")[1]));

  const server = createServer((request, response) => {
    const started = performance.now();
    const method = request.method ?? "";
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const handler = allRoutes[`${method} ${path}`];
    void answer(handler, paths.has(path), request).then(({ status, json, html }) => {
      // One series per route, not per path that somebody tries; likewise for methods.
      const labels = {
        method: handler ? method : "other",
        route: handler ? path : "other",
        status: `${status}`,
      };
      metrics.observe(labels, (performance.now() - started) / 1000);
      response.writeHead(status, {
        "content-type": html === undefined ? "application/json" : "text/html; charset=utf-8",
        "cache-control": "no-store",
        ...(stopping && { connection: "close" }),
      });
      response.end(html ?? `${JSON.stringify(json)}\n`);
    });
  });
  server.keepAliveTimeout = idleConnectionMs;
  const metricsServer = createServer((request, response) => {
    const found = request.url === "/metrics";
    response.writeHead(found ? 200 : 404, { "content-type": "text/plain; version=0.0.4" });
    response.end(found ? metrics.text() : "only /metrics is here\n");
  });

  const stop = () => {
    if (stopping) return;
    stopping = true;
    log("info", "stopping: answers under way are finished first");
    setTimeout(() => {
      log("error", "some answers took too long and were cut off");
      process.exit(1);
    }, finishMs).unref();
    setTimeout(() => {
      server.close(() => {
        metricsServer.close();
        metricsServer.closeAllConnections();
        void (close?.() ?? Promise.resolve()).then(() => {
          log("info", "stopped");
          process.exit(0);
        });
      });
      server.closeIdleConnections();
    }, drainMs);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  server.listen(wholeNumber("PORT"), () => {
    log("info", `${name} ${release} serves on port ${setting("PORT")}`);
  });
  metricsServer.listen(wholeNumber("METRICS_PORT"));
}

/**
 * @param {Handler | undefined} handler
 * @param {boolean} knownPath
 * @param {import("node:http").IncomingMessage} request
 * @returns {Promise<Reply>}
 */
async function answer(handler, knownPath, request) {
  if (handler === undefined)
    return knownPath
      ? { status: 405, json: { error: "method not allowed" } }
      : { status: 404, json: { error: "not found" } };
  try {
    return await handler(request);
  } catch (error) {
    log("error", `${request.method} ${request.url}: ${messageOf(error)}`);
    return { status: 500, json: { error: "internal error" } };
  }
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** @param {"info" | "warn" | "error"} level @param {string} message */
export function log(level, message) {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message }));
}
