// @ts-check
// How every part of the application reaches Postgres. The driver is Debian's package, found the CommonJS way.
import { createRequire } from "node:module";
import { secret, setting, wholeNumber } from "./settings.mjs";

const { Client, Pool } = createRequire(import.meta.url)("pg");

const connection = () => ({
  host: setting("DATABASE_HOST"),
  port: wholeNumber("DATABASE_PORT"),
  database: setting("DATABASE_NAME"),
  user: setting("DATABASE_USER"),
  // Read for each connection: a rotated password needs no restart.
  password: () => secret("DATABASE_PASSWORD_FILE"),
  connectionTimeoutMillis: 2_000,
});

/** Connections for a service: few, and no query for ever. */
export function connectPool() {
  const pool = new Pool({ ...connection(), max: 5, statement_timeout: 5_000 });
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
