import { readFileSync } from "node:fs";
import { createServer, request as httpsRequest } from "node:https";
import { type Server, createServer as createTcpServer } from "node:net";
import { TLSSocket, createSecureContext } from "node:tls";

/**
 * An S3 server that misbehaves: s3-fault-server.ts ADDRESS PORT overloaded|reset|unanswered
 * S3_CERTIFICATE and S3_KEY name the files of the server that it takes the place of, S3_PORT is where that one listens.
 * Says "listening" once it is, and ends with its input.
 */

const [, , address = "", port = "", behaviour = ""] = process.argv;
const tls = {
  cert: readFileSync(process.env["S3_CERTIFICATE"] ?? ""),
  key: readFileSync(process.env["S3_KEY"] ?? ""),
};

const slowDown =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';

function overloaded(): Server {
  return createServer(tls, (request, response) => {
    request.resume();
    response.writeHead(503, { "content-type": "application/xml", connection: "close" });
    response.end(slowDown);
  });
}

/** Resets a connection when a request begins to arrive on it. */
function reset(): Server {
  const context = createSecureContext(tls);
  return createTcpServer((connection) => {
    const encrypted = new TLSSocket(connection, { isServer: true, secureContext: context });
    encrypted.once("data", () => connection.resetAndDestroy());
    for (const socket of [connection, encrypted]) socket.on("error", () => undefined);
  });
}

/** Passes everything on to the real server, and keeps its answers to what was stored to itself. */
function unanswered(): Server {
  return createServer(tls, (request, response) => {
    const { method, url, headers } = request;
    const target = { host: address, port: Number(process.env["S3_PORT"]) };
    const servername = (headers.host ?? "").replace(/:\d+$/, "");
    const passed = httpsRequest({ ...target, servername, method, path: url, headers });
    passed.on("response", (answer) => {
      if (method === "PUT") return answer.resume();
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      return answer.pipe(response);
    });
    passed.on("error", () => request.destroy());
    request.pipe(passed);
  });
}

const servers: Readonly<Record<string, () => Server>> = { overloaded, reset, unanswered };
const server = servers[behaviour]!();
server.listen(Number(port), address, () => process.stdout.write("listening\n"));
process.stdin.resume().once("end", () => process.exit(0));
