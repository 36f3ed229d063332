import type * as pulumi from "@pulumi/pulumi";

import { DatabaseCertificates } from "../components/database-certificates.ts";
import { contentHash } from "../components/lib/content-hash.ts";
import { entranceAddresses } from "../components/lib/peering.ts";
import { Backups } from "../components/postgres/backups.ts";
import type { Generation } from "../components/postgres/generation.ts";
import { membersService } from "../components/postgres/generation.ts";
import { Postgres } from "../components/postgres/postgres.ts";
import { RestoreGate } from "../components/postgres/restore-gate.ts";
import { PostgresRole } from "../components/postgres/role.ts";
import { originOf, type Config } from "../config.ts";
import { archiveOf, type Ground, type Run } from "./ground.ts";

/**
 * Holds everything up that makes the serving generation of the data, until the archives are seen to have it; in the region
 * that wrote when it was made, so that a later move has nothing to wait for.
 */
export function declareRestoreGate(
  config: Config,
  grounds: readonly Ground[],
  { restored, restoreHooks }: Run,
): readonly RestoreGate[] {
  const ground = grounds.find(({ region }) => region.name === restored?.region);
  if (restored === undefined || ground === undefined) return [];
  const generation = generationsOf(config, ground).at(-1);
  if (generation?.from === undefined) return [];
  const { name, inCluster, foundation, databaseFoundation } = ground;
  return [
    new RestoreGate(
      // Another attempt is another gate: what it saw once it does not have to see again.
      name(`restore-gate-${String(generation.number)}-${contentHash(restored.at)}`),
      {
        ...databaseArgs(config, ground),
        ...{ generation, askedAt: restored.at, resources: config.backups.resources },
      },
      { ...inCluster(...foundation, ...databaseFoundation), hooks: restoreHooks },
    ),
  ];
}

/** Says which region writes; the order of both is what a move depends on. */
export function declareRole(
  config: Config,
  ground: Ground,
  after: readonly pulumi.Resource[],
): PostgresRole {
  const { scope, peer, role, name, inCluster, namespace } = ground;
  return new PostgresRole(
    name("postgres-role"),
    {
      scope,
      generations: generationsOf(config, ground),
      memory: config.postgres.resources.limits.memory,
      ...(role === "standby" && { follow: entranceAddresses(peer.peer, config.peering).postgres }),
    },
    inCluster(namespace, ...after),
  );
}

/** Declares one region's database with its backups. Nothing of it depends on which region writes. */
export function declareDatabase(
  config: Config,
  ground: Ground,
  after: readonly pulumi.Resource[],
): Postgres {
  const { scope, region, peer, name, inCluster, foundation, databaseFoundation } = ground;
  const args = databaseArgs(config, ground);
  const { generations } = args;
  const certificates = new DatabaseCertificates(
    name("database-certificates"),
    { scope, membersService, entrance: region.peer },
    inCluster(...databaseFoundation),
  );
  const database = new Postgres(
    name("postgres"),
    { ...args, entrance: region.peer, peerCidrs: peer.peer.cidrs },
    inCluster(...foundation, ...databaseFoundation, certificates, ...after),
  );
  const serving = generations.at(-1);
  if (serving !== undefined) {
    new Backups(
      name("backups"),
      { ...args, ...config.backups, generation: serving },
      inCluster(database),
    );
  }
  return database;
}

/** What everything that handles the data is told. */
function databaseArgs(config: Config, ground: Ground) {
  const { postgres, peering, backups } = config;
  const { scope, region, peer } = ground;
  const { access, storageCa } = backups;
  return {
    ...postgres,
    ...{ scope, peering, generations: generationsOf(config, ground) },
    region: region.name,
    storageClass: region.storageClass,
    archive: archiveOf(config, region),
    archiveAccess: access.kind,
    peer: { region: peer.name, entrance: peer.peer, archive: archiveOf(config, peer) },
    ...(storageCa !== undefined && { storageCa }),
  };
}

/** The generations of the stack file, complete: a restore reads this region's own archive, of the generation before. */
function generationsOf({ postgres }: Config, { region }: Ground): Generation[] {
  return postgres.generations.map(({ storage, from }, index) => {
    const target = originOf(from);
    return {
      number: index + 1,
      storage,
      ...(target !== undefined && {
        from: {
          region: from?.region ?? region.name,
          generation: from?.generation ?? index,
          target,
        },
      }),
    };
  });
}
