import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runFolder } from "./paths.ts";

export const passphraseFile = join(runFolder, "engine", "passphrase");

/** Makes the passphrase that encrypts the rehearsal's state, once per rehearsal. */
export function ensurePassphrase(): void {
  ensureFile(passphraseFile, () => randomBytes(32).toString("base64url"));
}

/**
 * Pull credentials for a registry that does not exist. They give the program a secret from configuration, and the
 * search for leaks something to look for.
 */
export function registryCredentials(): { dockerConfig: string; canary: string } {
  const file = join(runFolder, "engine", "registry-password");
  ensureFile(file, () => `canary-${randomBytes(16).toString("hex")}`);
  const canary = readFileSync(file, "utf8");
  const auth = Buffer.from(`rehearsal:${canary}`).toString("base64");
  return {
    dockerConfig: JSON.stringify({ auths: { "registry.lifeline.test": { auth } } }),
    canary,
  };
}

function ensureFile(file: string, content: () => string): void {
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content(), { mode: 0o600 });
}
