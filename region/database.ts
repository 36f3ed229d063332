import type * as pulumi from "@pulumi/pulumi";

import { DatabaseCertificates } from "../components/database-certificates.ts";
import { entranceAddresses } from "../components/lib/peering.ts";
import { Backups } from "../components/postgres/backups.ts";
import type { Generation } from "../components/postgres/generation.ts";
import { membersService } from "../components/postgres/generation.ts";
import { Postgres } from "../components/postgres/postgres.ts";
import { PostgresRole } from "../components/postgres/role.ts";
import { originOf, type Config } from "../config.ts";
import { archiveOf, type Ground } from "./ground.ts";

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
  const { scope, region, peer, name, inCluster } = ground;
  const { postgres, peering, backups } = config;
  const generations = generationsOf(config, ground);
  const certificates = new DatabaseCertificates(
    name("database-certificates"),
    { scope, membersService, entrance: region.peer },
    inCluster(...ground.databaseFoundation),
  );
  const common = {
    ...postgres,
    ...{ scope, peering, generations },
    region: region.name,
    storageClass: region.storageClass,
    archiveAccess: backups.access.kind,
    peer: { region: peer.name, entrance: peer.peer, archive: archiveOf(config, peer) },
  };
  const database = new Postgres(
    name("postgres"),
    {
      ...common,
      entrance: region.peer,
      archive: archiveOf(config, region),
      peerCidrs: peer.peer.cidrs,
      ...(backups.storageCa !== undefined && { storageCa: backups.storageCa }),
    },
    inCluster(...ground.foundation, ...ground.databaseFoundation, certificates, ...after),
  );
  const serving = generations.at(-1);
  if (serving !== undefined) {
    new Backups(
      name("backups"),
      { ...common, ...backups, generation: serving },
      inCluster(database),
    );
  }
  return database;
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
