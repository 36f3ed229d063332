import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { quoted } from "../rollback/shell.ts";
import { clustersFolder, engineFolder } from "./paths.ts";
import { regions } from "./regions/topology.ts";

/** Clusters as their user names them. */
export interface NamedClusters {
  readonly kubeconfig: string;
  readonly contexts: readonly string[];
  /** URLs of their API servers, which tell them apart whatever they are called. */
  readonly servers: readonly string[];
}

/**
 * Folder of project, state and secrets of the stack on these clusters: what one pair of clusters holds says nothing about
 * another. The booted regions' folder goes with them; that of other clusters outlives `npm run stop`, as they do.
 */
export function stackFolder(clusters: NamedClusters, root = clustersFolder): string {
  const own = regions.map(({ apiServer }) => apiServer);
  const servers = clusters.servers.join("\n");
  if (servers === own.join("\n")) return engineFolder;
  const folder = join(root, createHash("sha256").update(servers).digest("hex").slice(0, 12));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "clusters.json"), JSON.stringify(clusters));
  return folder;
}

/** Folders of stacks on clusters that no rehearsal booted, in which the program has run. */
export function foldersKept(root = clustersFolder): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((folder) => existsSync(join(folder, "state")));
}

/** What such a stack is, and how somebody removes it who wants to. */
export function removalOf(folder: string): string {
  const { kubeconfig, contexts, servers } = JSON.parse(
    readFileSync(join(folder, "clusters.json"), "utf8"),
  ) as NamedClusters;
  const { config } = parse(readFileSync(join(folder, "project/Pulumi.local.yaml"), "utf8")) as {
    config: { "lifeline:namespace": string };
  };
  const namespace = config["lifeline:namespace"];
  const names = contexts.map((context, index) => `${context} (${servers[index] ?? ""})`);
  return [
    `${names.join(" and ")}: what a rehearsal made there stays, as npm run stop removes only what it booted. To remove it:`,
    ...contexts.map(
      (context) =>
        `  kubectl --kubeconfig ${quoted(kubeconfig)} --context ${quoted(context)} delete namespace/${namespace} clusterissuer/${namespace}`,
    ),
    `  rm -r ${quoted(folder)}`,
    "and what is in the buckets of its archive.",
  ].join("\n");
}
