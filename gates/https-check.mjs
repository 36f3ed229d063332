// The outside gate: asks one region's Gateway over HTTPS, as a user's browser would, and verifies the certificate.
// Plain JavaScript for Node 20 and newer, without dependencies: it runs wherever the deployment runs.
// NODE_EXTRA_CA_CERTS adds a private authority to those that Node trusts.
import { get } from "node:https";
import { lookup } from "node:dns";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const requestSeconds = 5;
const pauseSeconds = 1;

function setting(name) {
  const value = process.env[name];
  if (value) return value;
  console.error(`${name} is not set. Fix: run this through the deployment, which sets it.`);
  process.exit(2);
}

const host = setting("GATE_HOST");
const address = setting("GATE_ADDRESS");
const release = setting("GATE_RELEASE");
const deadlineSeconds = Number(setting("GATE_DEADLINE_SECONDS"));

/** `address` or, for an IPv4 address or a name, `address:port`. */
const [, where = address, port = "443"] = /^([^:]+):(\d+)$/.exec(address) ?? [];

/** Resolves to the Gateway, whatever the public name resolves to: each region is judged by itself. */
function toGateway(_hostname, options, callback) {
  const family = isIP(where);
  if (family === 0) return lookup(where, options, callback);
  return options.all ? callback(null, [{ address: where, family }]) : callback(null, where, family);
}

/** The pods were found to answer before this gate began. */
const unreached =
  ": the Gateway does not reach the pods; its own have to be those that lifeline:gateway.namespace and podLabels let in";

function ask(path) {
  return new Promise((resolve, reject) => {
    let reached = false;
    const request = get(
      // The name in SNI, in the Host header and in the certificate is the public one.
      { host, port, path, lookup: toGateway, timeout: requestSeconds * 1000, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (part) => (body += part));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode, body }));
      },
    );
    request.on("socket", (socket) => socket.on("secureConnect", () => (reached = true)));
    request.on("timeout", () =>
      request.destroy(
        new Error(`no answer within ${requestSeconds} seconds${reached ? unreached : ""}`),
      ),
    );
    request.on("error", reject);
  });
}

function refuse(status) {
  const hint = status >= 502 && status <= 504 ? unreached : "";
  throw new Error(`answered ${status} instead of 200${hint}`);
}

async function page() {
  const { status, body } = await ask("/");
  if (status !== 200) refuse(status);
  if (!/<html/i.test(body)) throw new Error("answered 200, but not with a page of HTML");
  return "200, a page";
}

async function health() {
  const { status, body } = await ask("/api/health");
  if (status !== 200) refuse(status);
  let answer;
  try {
    answer = JSON.parse(body);
  } catch {
    throw new Error("answered 200, but not with JSON");
  }
  if (answer.status !== "ok") throw new Error(`says status "${answer.status}" instead of "ok"`);
  if (answer.release !== release)
    throw new Error(`runs release "${answer.release}" instead of "${release}"`);
  return `200, ok, release ${release}`;
}

/** Error messages of TLS and the network, with the name that tells them apart. */
function reason(error) {
  return error.code && !error.message.includes(error.code)
    ? `${error.message} (${error.code})`
    : error.message;
}

/** Tries until it holds or the time is up; says why it does not, once per reason. */
async function holds(name, check, until) {
  const started = Date.now();
  const seconds = () => ((Date.now() - started) / 1000).toFixed(1);
  let last;
  for (;;) {
    try {
      console.log(`ok      ${name}: ${await check()} (${seconds()} s)`);
      return true;
    } catch (error) {
      const why = reason(error);
      if (why !== last) console.log(`waiting ${name}: ${why}`);
      last = why;
    }
    if (Date.now() + pauseSeconds * 1000 >= until) break;
    await sleep(pauseSeconds * 1000);
  }
  console.log(`FAILED  ${name}: ${last} (gave up after ${seconds()} s)`);
  return false;
}

const until = Date.now() + deadlineSeconds * 1000;
const results = [
  await holds(`https://${host}/ at ${address}`, page, until),
  await holds(`https://${host}/api/health at ${address}`, health, until),
];
process.exitCode = results.every(Boolean) ? 0 : 1;
