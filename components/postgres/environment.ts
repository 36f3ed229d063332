import type { Archive } from "../lib/archive.ts";
import { archiveOwn } from "../lib/archive.ts";
import type { Database } from "../lib/database.ts";
import { databasePassword } from "../lib/database.ts";
import type { Entrance, Peering } from "../lib/peering.ts";
import { entranceAddresses } from "../lib/peering.ts";
import { ports } from "../lib/ports.ts";
import type { Generation } from "./generation.ts";
import { memberHosts } from "./generation.ts";
import { places, settingsFiles } from "./places.ts";

/** The other region, as seen from this one. */
export interface PeerRegion {
  readonly region: string;
  readonly entrance: Entrance;
  readonly archive: Archive;
}

export interface EnvironmentArgs extends Database {
  readonly namespace: string;
  readonly region: string;
  readonly generation: Generation;
  readonly peer: PeerRegion;
  readonly peering: Peering;
}

/** What every script of images/postgres is told. */
export function scriptEnvironment(args: EnvironmentArgs): Record<string, string> {
  const { region, generation, peer, peering, database, user } = args;
  const { postgres, apiUrl } = entranceAddresses(peer.entrance, peering);
  return {
    PGDATA: places.data,
    PGHOST: places.sockets,
    REGION: region,
    GENERATION: String(generation.number),
    PEER_REGION: peer.region,
    PEER_API: apiUrl,
    PEER_POSTGRES: `${postgres.host}:${String(postgres.port)}`,
    POSTGRES_DB: database,
    POSTGRES_USER: user,
    POSTGRES_PASSWORD_FILE: `${databasePassword.folder}/${databasePassword.key}`,
    PGBACKREST_CONFIG: settingsFiles.ownArchive,
    PGBACKREST_CONFIG_INCLUDE_PATH: archiveOwn.folder,
    TLS_FOLDER: places.tls,
    ...restoreEnvironment(generation),
    ...endEnvironment(args),
  };
}

/** As many as the configuration allows; not as there are now, or scaling would restart the server. */
const mostMembers = 5;

/** Whom a restore asks where the generation before ends, and for its restore points. */
function endEnvironment({ namespace, region, generation }: EnvironmentArgs) {
  const { number, from } = generation;
  if (from === undefined || "time" in from.target || from.generation !== number - 1) return {};
  const members = memberHosts(from.generation, region, mostMembers, namespace);
  return { EARLIER_MEMBERS: members.map((host) => `${host}:${String(ports.postgres)}`).join(" ") };
}

/** What a generation begins with, for restore-generation.sh. */
function restoreEnvironment({ from }: Generation): Record<string, string> {
  if (from === undefined) return {};
  const [kind = "", target] = Object.entries(from.target)[0] ?? [];
  return {
    RESTORE_FROM_REGION: from.region,
    RESTORE_FROM_GENERATION: String(from.generation),
    RESTORE_TARGET_KIND: kind,
    RESTORE_TARGET: kind === "latest" ? "" : String(target),
  };
}

/** What a script learns from its own pod. */
export const podFields = { POD_NAME: "metadata.name" } as const;
