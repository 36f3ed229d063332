import type { SecretFile } from "./pod.ts";
import { ports } from "./ports.ts";

/** Object names of the database, the same in every region. */
export const databaseService = "postgres";
export const databaseSecret = "postgres-secret";

/** The application's database and the role that owns it. */
export interface Database {
  readonly database: string;
  readonly user: string;
}

/** The file with the application role's password, for a container that connects to the database. */
export const databasePassword: SecretFile = {
  secret: databaseSecret,
  folder: "/etc/secrets/postgres",
  key: "POSTGRES_PASSWORD",
};

/** Secret with the certificate of this region's database, its key, and the authority of both regions. */
export const databaseTls = "database-tls";

/** Secret with the private authority's certificate and key, and the name of its Issuer. */
export const authoritySecret = "database-ca";

/** The authority by which a client knows the database. */
export const databaseAuthority: SecretFile = {
  secret: databaseTls,
  folder: "/etc/lifeline/database-ca",
  key: "ca.crt",
};

/** What a client of the database reads as files. */
export const databaseFiles: readonly SecretFile[] = [databasePassword, databaseAuthority];

/** Environment by which a client finds the database, knows that it is the right one, and finds its own password. */
export function databaseEnvironment({ database, user }: Database): Record<string, string> {
  return {
    DATABASE_HOST: databaseService,
    DATABASE_PORT: String(ports.postgres),
    DATABASE_NAME: database,
    DATABASE_USER: user,
    DATABASE_PASSWORD_FILE: `${databasePassword.folder}/${databasePassword.key}`,
    ...trust("DATABASE_SSL_MODE", "DATABASE_CA_FILE"),
    // The same for programs that are built on libpq.
    ...trust("PGSSLMODE", "PGSSLROOTCERT"),
  };
}

function trust(mode: string, authority: string): Record<string, string> {
  return {
    [mode]: "verify-full",
    [authority]: `${databaseAuthority.folder}/${databaseAuthority.key}`,
  };
}
