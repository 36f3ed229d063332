import { join } from "node:path";
import { imagesFolder, runFolder } from "../paths.ts";
import type { Topology } from "./topology.ts";

/** State of all regions. */
export const regionsFolder = join(runFolder, "regions");
/** Unpacked images that new regions start from. */
export const seedFolder = join(imagesFolder, "seed");
export const scriptsFolder = join(import.meta.dirname, "scripts");
export const manifestsFolder = join(import.meta.dirname, "manifests");
/** Where the regions' root is assembled, in a mount namespace of its own: empty for everybody else. */
export const rootFolder = join(regionsFolder, "root");
/** Credentials of both S3 servers, JSON. */
export const s3AccessFile = join(runFolder, "s3-access.json");
/** Authority of both S3 servers. */
export const s3AuthorityFile = join(runFolder, "s3-ca.crt");

/** A region's folders, as this machine sees them. */
export function foldersOf(region: Topology) {
  const root = join(regionsFolder, region.key);
  return {
    root,
    pki: join(root, "pki"),
    etc: join(root, "etc"),
    log: join(root, "log"),
    state: join(root, "state"),
  };
}

/** The same folders as the region's own processes see them: short and the same wherever the cache is. */
export const inside = {
  pki: "/run/region/pki",
  etc: "/run/region/etc",
  log: "/run/region/log",
  state: "/run/region/state",
  tools: "/run/tools",
  cniPlugins: "/run/cni/bin",
  containerd: "/run/containerd/containerd.sock",
  networkPolicy: "/run/network-policy.sock",
} as const;
