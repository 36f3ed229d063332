import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { engineFolder } from "./paths.ts";

export const passphraseFile = passphraseFileIn(engineFolder);

/** File with the passphrase that encrypts the state in `folder`, made once. */
export function ensurePassphrase(folder: string): string {
  const file = passphraseFileIn(folder);
  ensureFile(file, () => randomBytes(32).toString("base64url"));
  return file;
}

function passphraseFileIn(folder: string): string {
  return join(folder, "passphrase");
}

/**
 * Pull credentials for a registry that does not exist. They give the program a secret from configuration, and the
 * search for leaks something to look for.
 */
export function registryCredentials(folder = engineFolder): {
  dockerConfig: string;
  canary: string;
} {
  const file = join(folder, "registry-password");
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
