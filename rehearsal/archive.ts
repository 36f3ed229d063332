import { readFileSync } from "node:fs";
import type { Buckets } from "./providers/aws/provider.ts";
import { s3AuthorityFile } from "./regions/folders.ts";
import { type S3Accounts, s3Access, s3Credentials } from "./regions/s3-access.ts";
import { makeBucket, removeBucket } from "./regions/s3-grants.ts";
import { type Topology, regions } from "./regions/topology.ts";

/** Where the regions archive to, in place of AWS's S3. */
export interface Archive {
  /** Absent where the buckets are there already. */
  readonly buckets?: Buckets;
  /** Of the stack file: what the program has to know of the servers. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What each region's pods may use, by AWS region. */
  readonly accounts: Readonly<Record<string, S3Accounts>>;
}

/**
 * The S3 servers of the booted regions. Their buckets live as long as the regions' state: they outlast the engine's, and
 * `npm run stop` removes both.
 */
export function regionsArchive(): Required<Archive> {
  const { accounts } = s3Credentials();
  return {
    buckets: {
      make: (bucket, awsRegion) => {
        const { key } = regionOf(awsRegion);
        return makeBucket(s3Access(key), key, bucket, s3Credentials());
      },
      remove: (bucket, awsRegion) => removeBucket(s3Access(regionOf(awsRegion).key), bucket),
    },
    settings: { "backups.storageCa": readFileSync(s3AuthorityFile, "utf8") },
    accounts: Object.fromEntries(regions.map(({ key, awsRegion }) => [awsRegion, accounts[key]])),
  };
}

function regionOf(awsRegion: string): Topology {
  const region = regions.find((one) => one.awsRegion === awsRegion);
  if (region === undefined) throw new Error(`the rehearsal has no S3 server in ${awsRegion}`);
  return region;
}
