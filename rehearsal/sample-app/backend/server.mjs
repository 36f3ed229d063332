// @ts-check
// The backend: an API over one table. Shows what a release needs from its platform: a schema within a window, a
// database that may be read-only in this region, configuration, secrets from files.
import { connectPool, readPatiently } from "../shared/database.mjs";
import { log, messageOf, startService } from "../shared/service.mjs";
import { secret, setting, wholeNumber } from "../shared/settings.mjs";
import { listNotes, readNote, storeNote } from "./notes.mjs";

const release = setting("RELEASE_VERSION");
const schemaWindow = { min: wholeNumber("SCHEMA_MIN"), max: wholeNumber("SCHEMA_MAX") };
secret("JWT_SECRET_FILE"); // A release that could not sign sessions must not become ready.
const pool = connectPool();

/** Postgres's codes for a write refused: read-only session or transaction, server in recovery. */
const readOnlyCodes = ["25006"];

async function schemaVersion() {
  const { rows } = await pool.query(
    "SELECT coalesce(max(version), 0) AS version FROM schema_migrations",
  );
  return Number(rows[0].version);
}

async function isWritable() {
  const { rows } = await pool.query(
    "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' AS writable",
  );
  return rows[0].writable === true;
}

async function notReadyBecause() {
  try {
    const version = await schemaVersion();
    if (version >= schemaWindow.min && version <= schemaWindow.max) return undefined;
    return `schema version ${version} is outside ${schemaWindow.min} to ${schemaWindow.max}, which ${release} runs on`;
  } catch (error) {
    return `database: ${messageOf(error)}`;
  }
}

/** @param {() => Promise<import("../shared/service.mjs").Reply>} read */
const reading = (read) => withDatabase(() => readPatiently(read));

/**
 * Turns a failed query into 503: the client may try again, or ask the other region.
 * @param {() => Promise<import("../shared/service.mjs").Reply>} work
 * @returns {Promise<import("../shared/service.mjs").Reply>}
 */
async function withDatabase(work) {
  try {
    return await work();
  } catch (error) {
    const code = /** @type {{ code?: string }} */ (error).code ?? "";
    const readOnly = readOnlyCodes.includes(code);
    log(
      "warn",
      readOnly
        ? "a write was refused: the database is read-only here"
        : `database: ${messageOf(error)}`,
    );
    return {
      status: 503,
      json: {
        error: readOnly
          ? "the database is read-only in this region; writes go to the active one"
          : "the database is not available",
      },
    };
  }
}

startService({
  name: "backend",
  notReadyBecause,
  close: () => pool.end(),
  routes: {
    "GET /primary": () =>
      reading(async () => {
        const writable = await isWritable();
        return { status: writable ? 200 : 503, json: { writable } };
      }),
    "GET /api/health": () =>
      reading(async () => {
        const [schema, writable] = await Promise.all([schemaVersion(), isWritable()]);
        return { status: 200, json: { status: "ok", release, schema, writable } };
      }),
    "GET /api/version": () => ({ status: 200, json: { release, schemaWindow } }),
    "GET /api/notes": () => reading(async () => ({ status: 200, json: await listNotes(pool) })),
    "POST /api/notes": async (request) => {
      const note = await readNote(request);
      if ("problem" in note) return { status: note.status, json: { error: note.problem } };
      return withDatabase(async () => ({ status: 201, json: await storeNote(pool, note.text) }));
    },
  },
});
