import type { SecretFile } from "./pod.ts";

/** The file with the key that signs the application's tokens. */
export const jwtSecret: SecretFile = {
  secret: "app-secret",
  folder: "/etc/secrets/app",
  key: "JWT_SECRET",
};

/** Secret with the registry credentials that images are pulled with. */
export const pullSecret = "registry-pull-secret";
