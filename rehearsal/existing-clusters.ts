import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Node } from "@kubernetes/client-node";
import { parse } from "yaml";
import { readFileSync } from "node:fs";
import { ApiClient } from "../diagnosis/api.ts";
import { type Cluster, connect } from "./checks/cluster.ts";
import { list } from "./checks/objects.ts";
import { run } from "./command.ts";
import { type Archive, regionsArchive } from "./archive.ts";
import { readArchive } from "./archive-file.ts";
import { type Ground, type Place, pulumiHome } from "./ground.ts";
import { type BuiltImage, buildImages } from "./images/build-images.ts";
import { cache, repository } from "./paths.ts";
import { missingPlugins } from "./plugins.ts";
import { Problem, exitCode } from "./problem.ts";
import { type Reporter, runTasks } from "./progress.ts";
import { s3AccessFile } from "./regions/folders.ts";
import { regions } from "./regions/topology.ts";
import { stackFolder } from "./stack-folders.ts";
import { findProgram } from "./toolchain/machine.ts";
import { type ToolchainOptions, acquireTools } from "./toolchain/toolchain.ts";

/** APIs that the program's objects need and a bare cluster lacks, with what brings each. */
const neededApis = {
  "gateway.networking.k8s.io/v1": "a Gateway API controller and its CRDs",
  "cert-manager.io/v1": "the CRDs of cert-manager",
  "monitoring.coreos.com/v1": "the CRDs of the Prometheus operator",
} as const;

/** Clusters to use instead of booting regions. */
export interface ExistingClusters {
  /** One for each region. */
  readonly contexts: readonly [string, string];
  /** Describes S3 that they reach: docs/archive-file.md. A rehearsal's own regions have theirs beside them. */
  readonly archiveFile?: string;
}

/**
 * Two clusters that are there already, by context of the current kubeconfig. Nothing is installed in them beforehand.
 * @throws Problem naming a cluster that does not answer, or what it lacks
 */
export async function useClusters(
  { contexts, archiveFile }: ExistingClusters,
  signal: AbortSignal,
): Promise<Ground> {
  const kubeconfig = process.env["KUBECONFIG"] ?? join(homedir(), ".kube", "config");
  if (!existsSync(kubeconfig)) {
    throw new Problem(
      `KUBECONFIG: no file ${kubeconfig}. Fix: set KUBECONFIG to one file that has both contexts.`,
      exitCode.usage,
    );
  }
  const kubectl = await findProgram("kubectl", process.env["PATH"] ?? "");
  if (kubectl === undefined)
    throw new Problem("kubectl is not on PATH. Fix: install it.", exitCode.cannotRun);
  const clusters = contexts.map((context) => connectTo({ kubeconfig, context, kubectl }));
  const ground: Partial<{ -readonly [Key in keyof Ground]: Ground[Key] }> = {
    kubeconfig,
    kubectl,
    stackFolder: stackFolder({
      kubeconfig: resolve(kubeconfig),
      contexts,
      servers: contexts.map((context) => new ApiClient({ kubeconfig, context }).server),
    }),
    archive: archiveOf(contexts, archiveFile),
    logFolders: [],
  };
  await runTasks([
    {
      title: "clusters",
      run: async () => {
        await Promise.all(clusters.map(mustOffer));
        const names = regionNames();
        ground.places = contexts.map((context, index): Place => ({
          awsRegion: names[index]!,
          context,
          milestones: [],
        })) as [Place, Place];
        return contexts.join(" and ");
      },
    },
    {
      title: "tools",
      run: async (reporter) => {
        const options: ToolchainOptions = {
          cache,
          reporter: (tool) => ({
            status: (text) => {
              reporter.status(`${tool}: ${text}`);
            },
          }),
          signal,
        };
        const { bin, acquired } = await acquireTools(["pulumi"], options);
        ground.tools = acquired;
        ground.pulumi = bin.pulumi;
        ground.standIns = [
          ...(await missingPlugins(bin.pulumi, {
            PULUMI_HOME: pulumiHome,
            PULUMI_SKIP_UPDATE_CHECK: "true",
          })),
          "aws",
        ];
        let images: readonly BuiltImage[] = [];
        if (process.getuid?.() === 0) {
          const parts = await acquireTools(["pause", "coredns", "traefik"], options);
          ground.tools = [...acquired, ...parts.acquired];
          images = await buildImages({ cache, toolchain: parts.bin, reporter, signal });
        }
        ground.images = (await loadImages(images, contexts, clusters, reporter)) ? images : [];
        return ground.images.length > 0
          ? "with images built here"
          : "with the images that the release pins";
      },
    },
  ]);
  return ground as Ground;
}

function connectTo(access: Parameters<typeof connect>[0]): Cluster {
  try {
    return connect(access);
  } catch (error) {
    throw new Problem(
      `--context: ${error instanceof Error ? error.message : String(error)}`,
      exitCode.usage,
    );
  }
}

async function mustOffer(cluster: Cluster): Promise<void> {
  for (const [api, bringer] of Object.entries(neededApis)) {
    const { status } = await cluster.request("GET", `/apis/${api}`);
    if (status !== 200) {
      throw new Problem(
        `--context ${cluster.context}: the cluster does not offer ${api} (status ${String(status)}). Fix: install ${bringer}.`,
        exitCode.cannotRun,
      );
    }
  }
}

/** The local stack's regions, in their order. */
function regionNames(): string[] {
  const { config } = parse(readFileSync(join(repository, "Pulumi.local.yaml"), "utf8")) as {
    config: { "lifeline:regions": { name: string }[] };
  };
  return config["lifeline:regions"].map(({ name }) => name);
}

/**
 * Brings images into clusters that have a way for it without a registry.
 * @returns whether every node of both clusters holds the images that pods will ask for
 */
async function loadImages(
  images: readonly BuiltImage[],
  contexts: readonly string[],
  clusters: readonly Cluster[],
  reporter: Reporter,
): Promise<boolean> {
  const needed = images.filter(({ name }) =>
    ["backend", "frontend", "migrations", "postgres"].includes(name),
  );
  for (const context of contexts) {
    const loader = loaderOf(context);
    for (const { name, archive } of loader === undefined ? [] : needed) {
      reporter.status(`loading ${name} into ${context}`);
      const [program = "", ...args] = loader!(archive);
      const { code, lines } = await run(program, args);
      if (code !== 0) throw new Problem(`${program} ${args.join(" ")}:\n${lines.join("\n")}`);
    }
  }
  if (needed.length === 0) return false;
  // A node tells what it holds twice a minute: what was just loaded is there, and not told yet.
  const patience = contexts.every((context) => loaderOf(context) !== undefined) ? 90_000 : 0;
  for (const end = Date.now() + patience; ; await sleep(2000)) {
    const held = await Promise.all(clusters.map((cluster) => holdsAll(cluster, needed)));
    if (held.every(Boolean)) return true;
    if (Date.now() >= end) return false;
    reporter.status("waiting for the nodes to list the images that were loaded");
  }
}

function loaderOf(context: string): ((archive: string) => string[]) | undefined {
  if (context.startsWith("kind-")) {
    return (archive) => [
      "kind",
      "load",
      "image-archive",
      archive,
      "--name",
      context.slice("kind-".length),
    ];
  }
  if (context.startsWith("k3d-")) {
    return (archive) => ["k3d", "image", "import", archive, "-c", context.slice("k3d-".length)];
  }
  return undefined;
}

async function holdsAll(cluster: Cluster, images: readonly BuiltImage[]): Promise<boolean> {
  const nodes = await list<V1Node>(cluster, "nodes");
  return nodes.every((node) => {
    const names = new Set(node.status?.images?.flatMap((image) => image.names ?? []));
    return images.every(({ reference }) => names.has(reference));
  });
}

/** The database archives into S3, which a cluster does not bring: only a rehearsal's own regions have theirs beside them. */
function archiveOf(contexts: readonly string[], file: string | undefined): Archive {
  if (file !== undefined) return readArchive(file, regionNames());
  const own = contexts.every((context) =>
    regions.some(({ kubeContext }) => kubeContext === context),
  );
  if (own && existsSync(s3AccessFile)) return regionsArchive();
  throw new Problem(
    `--context: got ${contexts.join(" and ")}, which have no S3 server that the rehearsal knows, and the database archives into one per region. Fix: describe S3 that they reach with --archive FILE (docs/archive-file.md), or let npm start without --context boot both.`,
    exitCode.cannotRun,
  );
}
