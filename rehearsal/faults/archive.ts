import { Problem } from "../problem.ts";
import { inside } from "../regions/folders.ts";
import type { Topology } from "../regions/topology.ts";
import { type Fault, mustInside } from "./fault.ts";

/** A WAL segment in the archive of one generation. */
export interface StoredSegment {
  readonly bucket: string;
  readonly generation: number;
  /** As Postgres names it. */
  readonly segment: string;
}

/** Takes a WAL segment out of a region's archive. */
export const loseSegment = (region: Topology, segment: StoredSegment): Promise<Fault> =>
  poison(region, segment, () => Promise.resolve());

/** Cuts a WAL segment in a region's archive to half of its length. */
export const cutSegmentShort = (region: Topology, segment: StoredSegment): Promise<Fault> =>
  poison(region, segment, async (aside, file) => {
    // With what the S3 server keeps beside the content.
    await mustInside(region, ["cp", "--archive", aside, file]);
    const size = Number(await mustInside(region, ["stat", "--format=%s", file]));
    await mustInside(region, ["truncate", `--size=${String(Math.floor(size / 2))}`, file]);
  });

/** Puts something else in the place of the file in which the S3 server keeps a segment, until it is healed. */
async function poison(
  region: Topology,
  { bucket, generation, segment }: StoredSegment,
  replace: (aside: string, file: string) => Promise<void>,
): Promise<Fault> {
  const store = `${inside.state}/s3/${bucket}`;
  const archive = `${store}/postgres-${String(generation)}/archive`;
  const found = await mustInside(region, ["find", archive, "-name", `${segment}-*`]);
  const [file = "", ...more] = found.trim().split("\n");
  if (file === "" || more.length > 0)
    throw new Problem(`not one file of ${segment} in ${archive}: "${found}"`);
  const aside = `${inside.state}/poisoned-${segment}`;
  await mustInside(region, ["mv", file, aside]);
  await replace(aside, file);
  let healed = false;
  return {
    heal: async () => {
      if (!healed) await mustInside(region, ["mv", aside, file]);
      healed = true;
    },
  };
}
