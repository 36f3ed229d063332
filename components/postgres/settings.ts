import type { Archive, ArchiveAccess } from "../lib/archive.ts";
import type { Database } from "../lib/database.ts";
import type { PeerRegion } from "./environment.ts";
import type { Generation } from "./generation.ts";
import { patroniYml } from "./patroni-yml.ts";
import { memberConf, peerConf } from "./pgbackrest-conf.ts";

export interface SettingsArgs extends Database {
  readonly generation: Generation;
  readonly archive: Archive;
  readonly archiveAccess: ArchiveAccess;
  readonly storageCa?: string;
  readonly peer: PeerRegion;
}

/** Configuration files of one generation in one region, by name. None of them depends on which region writes. */
export function settingsOf(args: SettingsArgs): Record<string, string> {
  const { generation } = args;
  return {
    "patroni.yml": patroniYml({
      ...args,
      generation: generation.number,
      restores: generation.from !== undefined,
    }),
    ...archiveSettings(args),
  };
}

/** Those that are enough to read both archives. */
export function archiveSettings(args: SettingsArgs): Record<string, string> {
  const { generation, archive, archiveAccess, storageCa, peer } = args;
  const repository = {
    access: archiveAccess,
    ownAuthority: storageCa !== undefined,
    generation: generation.number,
  };
  return {
    "pgbackrest.conf": memberConf({ ...repository, archive }),
    "pgbackrest-peer.conf": peerConf({ ...repository, archive: peer.archive }),
    "storage-ca.pem": storageCa ?? "",
  };
}
