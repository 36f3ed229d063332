// @ts-check
// How every part of the application reaches Postgres. The driver is Debian's package, found the CommonJS way.
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { quit, secret, setting, wholeNumber } from "./settings.mjs";

const { Client, Pool } = createRequire(import.meta.url)("pg");

/** The server proves who it is, by name and authority; without TLS only where the setting says so. */
function encryption() {
  const mode = setting("DATABASE_SSL_MODE");
  if (mode === "disable") return false;
  if (mode !== "verify-full")
    return quit(`DATABASE_SSL_MODE must be verify-full or disable, got "${mode}"`);
  return {
    ca: secret("DATABASE_CA_FILE"),
    rejectUnauthorized: true,
    // The driver passes names on by itself, but leaves an address unverified.
    host: setting("DATABASE_HOST"),
  };
}

const connection = () => ({
  host: setting("DATABASE_HOST"),
  port: wholeNumber("DATABASE_PORT"),
  database: setting("DATABASE_NAME"),
  user: setting("DATABASE_USER"),
  // Read for each connection: a rotated password needs no restart.
  password: () => secret("DATABASE_PASSWORD_FILE"),
  ssl: encryption(),
  connectionTimeoutMillis: 2_000,
});

/** A server that vanished without a word is given up after this, and its connection with it. */
const silenceMs = 5_000;

/** Connections for a service: few, and no query for ever. */
export function connectPool() {
  const pool = new Pool({
    ...connection(),
    max: 5,
    statement_timeout: silenceMs,
    query_timeout: silenceMs,
  });
  // A database that goes away ends idle connections; the next query opens a new one.
  pool.on("error", (/** @type {Error} */ error) => {
    console.error(
      JSON.stringify({ level: "warn", message: `idle connection lost: ${error.message}` }),
    );
  });
  return pool;
}

/** A connection of one's own, for work that holds locks. */
export const newClient = () => new Client(connection());

/** The server is starting, stopping, moving or out of reach; a wrong password will not get better. */
const transientCodes = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNRESET",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EPIPE",
  "57P01",
  "57P02",
  "57P03",
];

/** @param {unknown} error */
export function mayPass(error) {
  const { code = "", message } = /** @type {Error & { code?: string }} */ (error);
  return transientCodes.includes(code) || /timeout|terminated/i.test(message);
}

/**
 * Reads again while the database moves from one server to another, for a few seconds. Only for reads: whether a write
 * whose answer was lost has happened, nobody can say.
 * @template Result
 * @param {() => Promise<Result>} read
 * @returns {Promise<Result>}
 */
export async function readPatiently(read) {
  const deadline = performance.now() + silenceMs;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!mayPass(error) || performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}
