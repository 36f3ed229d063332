// @ts-check
// Brings the schema to SCHEMA_TARGET and ends. Two at once are safe, running it again changes nothing, and a database
// that a later release moved ahead, but within this release's window, is left as it is.
import { setTimeout as sleep } from "node:timers/promises";
import { mayPass, newClient } from "../shared/database.mjs";
import { quit, setting, wholeNumber } from "../shared/settings.mjs";
import { readMigrations } from "./files.mjs";

const folder = process.argv[2] ?? quit("the folder with the SQL files must be given as argument");
const schema = {
  min: wholeNumber("SCHEMA_MIN"),
  max: wholeNumber("SCHEMA_MAX"),
  target: wholeNumber("SCHEMA_TARGET"),
};
/** Any number does, as long as every release uses the same. */
const lockNumber = 7_245_115;
const connectAttempts = 30;

/** @param {string} message */
const say = (message) => {
  console.log(JSON.stringify({ level: "info", message }));
};

async function connect() {
  for (let attempt = 1; ; attempt += 1) {
    const client = newClient();
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (!mayPass(error) || attempt === connectAttempts) throw error;
      const { message } = /** @type {Error} */ (error);
      say(`waiting for the database at ${setting("DATABASE_HOST")}: ${message}`);
      await sleep(1_000);
    }
  }
}

/** @param {ReturnType<typeof newClient>} client @param {import("./files.mjs").MigrationFile[]} files */
async function migrate(client, files) {
  const { rows } = await client.query(
    "SELECT version, name, sha256 FROM schema_migrations ORDER BY version",
  );
  for (const row of rows) {
    const file = files[row.version - 1];
    if (file !== undefined && file.sha256 !== row.sha256)
      throw new Error(
        `${file.name} was changed after it was applied (as ${row.name}); restore it and add a new file`,
      );
  }
  const current = rows.at(-1)?.version ?? 0;
  if (current > schema.max)
    throw new Error(
      `the database is at schema version ${current}, this release runs on ${schema.min} to ${schema.max}`,
    );
  if (current >= schema.target)
    return say(`nothing to do: schema version ${current}, target ${schema.target}`);
  for (const file of files.slice(current, schema.target)) await apply(client, file);
  say(`schema version ${schema.target} reached`);
}

/** @param {ReturnType<typeof newClient>} client @param {import("./files.mjs").MigrationFile} file */
async function apply(client, { version, name, sql, sha256 }) {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query(
      "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)",
      [version, name, sha256],
    );
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw new Error(`${name} failed and was rolled back: ${/** @type {Error} */ (error).message}`, {
      cause: error,
    });
  }
  say(`applied ${name}`);
}

async function main() {
  const files = readMigrations(folder);
  if (schema.target < schema.min || schema.target > schema.max)
    throw new Error(`SCHEMA_TARGET ${schema.target} is outside ${schema.min} to ${schema.max}`);
  if (schema.target > files.length)
    throw new Error(
      `SCHEMA_TARGET is ${schema.target}, but the last file is number ${files.length}`,
    );
  const client = await connect();
  try {
    // The second of two waits here for the first, however long that takes.
    await client.query("SET lock_timeout = 0");
    await client.query("SELECT pg_advisory_lock($1)", [lockNumber]);
    await client.query("SET lock_timeout = '30s'");
    await client.query(
      "CREATE TABLE IF NOT EXISTS schema_migrations (version int PRIMARY KEY, name text NOT NULL," +
        " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    await migrate(client, files);
  } finally {
    await client.end();
  }
}

await main().catch((/** @type {Error} */ error) => quit(error.message));
