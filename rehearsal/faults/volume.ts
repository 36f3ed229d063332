import type { V1PersistentVolumeClaim } from "@kubernetes/client-node";
import { Problem } from "../problem.ts";
import { inside } from "../regions/folders.ts";
import { inRegion } from "../regions/inside.ts";
import type { Topology } from "../regions/topology.ts";
import { type Fault, mustInside } from "./fault.ts";

const smallestPiece = 8192;

/** Fills a claim's volume with one file, up to what is left for others to write. */
export async function fillVolume(
  region: Topology,
  claim: V1PersistentVolumeClaim,
  leftBytes: number,
): Promise<Fault> {
  const volume = `${inside.state}/volumes/${claim.spec?.volumeName ?? ""}`;
  const mounted = await inRegion(region, ["mountpoint", "-q", volume]);
  // It would be this machine's own disk that fills.
  if (mounted.code !== 0) throw new Problem(`${volume} has no file system of its own`);
  const file = `${volume}/filled-by-fault`;
  const heal = async () => {
    await mustInside(region, ["rm", "-f", file]);
  };
  let offset = 0;
  let share = 1;
  for (;;) {
    const bytes = Math.floor(((await freeBytes(region, volume)) - leftBytes) * share);
    if (bytes < smallestPiece) return { heal };
    const piece = ["--offset", String(offset), "--length", String(bytes)];
    const { code } = await inRegion(region, ["fallocate", ...piece, file]);
    // The file system needs some of what is free to remember the file by.
    if (code === 0) offset += bytes;
    else share /= 2;
  }
}

async function freeBytes(region: Topology, folder: string): Promise<number> {
  const said = await mustInside(region, ["stat", "--file-system", "--format=%a %S", folder]);
  const [blocks = 0, size = 0] = said.trim().split(" ").map(Number);
  return blocks * size;
}
