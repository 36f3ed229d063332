import { contentHash } from "./content-hash.ts";
import type { SecretFile } from "./pod.ts";

/**
 * The file with the key that signs the application's tokens. Each version has a Secret of its own: during a rollout, and
 * after a rollback, every pod keeps the one of its release.
 */
export function jwtSecret(version?: string): SecretFile {
  return {
    secret: version === undefined ? "app-secret" : `app-secret-${contentHash(version)}`,
    folder: "/etc/secrets/app",
    key: "JWT_SECRET",
  };
}

/** Secret with the registry credentials that images are pulled with. */
export const pullSecret = "registry-pull-secret";

/** Object through which the External Secrets operator reads AWS Secrets Manager. */
export const secretStore = "secrets-manager";
