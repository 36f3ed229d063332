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

/** Environment by which a client finds the database and its own password. */
export function databaseEnvironment({ database, user }: Database): Record<string, string> {
  return {
    DATABASE_HOST: databaseService,
    DATABASE_PORT: String(ports.postgres),
    DATABASE_NAME: database,
    DATABASE_USER: user,
    DATABASE_PASSWORD_FILE: `${databasePassword.folder}/${databasePassword.key}`,
  };
}
