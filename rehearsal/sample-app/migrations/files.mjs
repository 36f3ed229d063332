// @ts-check
// The migrations as files: numbered from 1 without a gap, and never changed once applied.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @typedef {{ version: number, name: string, sql: string, sha256: string }} MigrationFile */

/**
 * @param {string} folder
 * @returns {MigrationFile[]}
 * @throws Error naming the file that is out of order
 */
export function readMigrations(folder) {
  return readdirSync(folder)
    .sort()
    .map((name, index) => {
      const number = /^(\d{3})-[a-z0-9-]+\.sql$/.exec(name)?.[1];
      if (number === undefined)
        throw new Error(`${name}: the name must be like 001-create-notes.sql`);
      if (Number(number) !== index + 1)
        throw new Error(
          `${name}: expected number ${index + 1}; the numbers go up from 1 without a gap`,
        );
      const sql = readFileSync(join(folder, name), "utf8");
      return {
        version: index + 1,
        name,
        sql,
        sha256: createHash("sha256").update(sql).digest("hex"),
      };
    });
}
