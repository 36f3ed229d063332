import { join } from "node:path";
import { type Archive, regionsArchive } from "./archive.ts";
import {
  type BuiltImage,
  type ImageName,
  buildImages,
  imageNames,
  releaseImageNames,
} from "./images/build-images.ts";
import { cache, engineFolder, kubeconfigFile } from "./paths.ts";
import { missingPlugins } from "./plugins.ts";
import { Problem, exitCode } from "./problem.ts";
import { type Task, runTasks } from "./progress.ts";
import type { StandInName } from "./providers/start.ts";
import { type BootReport, bootRegions } from "./regions/regions.ts";
import { checkMachine } from "./regions/host.ts";
import { foldersOf } from "./regions/folders.ts";
import { type Topology, topology } from "./regions/topology.ts";
import { type Acquired, type Toolchain, acquireToolchain } from "./toolchain/toolchain.ts";

/** One cluster to rehearse on. */
export interface Place {
  readonly awsRegion: string;
  readonly context: string;
  readonly milestones: readonly { readonly name: string; readonly seconds: number }[];
}

/** What a rehearsal stands on: tools, images and two clusters. */
export interface Ground {
  readonly tools: readonly Acquired[];
  readonly images: readonly BuiltImage[];
  readonly pulumi: string;
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly places: readonly [Place, Place];
  /** Folder of project, state and secrets of the stack on these clusters. */
  readonly stackFolder: string;
  /** S3 servers that the regions archive to; absent where the clusters were there already. */
  readonly archive?: Archive;
  /** Folders of logs that no secret may be in. */
  readonly logFolders: readonly string[];
  /** Providers without an official plugin here. */
  readonly standIns: readonly StandInName[];
}

/** Folder of the engine's plugins: an official one, once there, is used from then on. */
export const pulumiHome = join(cache, "pulumi-home");

/** Gets the tools, builds the images and boots both regions; what is there already is kept. */
export async function prepareGround(signal: AbortSignal): Promise<Ground> {
  requireRoot();
  // Before anything is downloaded or built: that takes long where nothing is there yet.
  await checkMachine();
  const ground: Partial<{ -readonly [Key in keyof Ground]: Ground[Key] }> = {
    kubeconfig: kubeconfigFile,
    stackFolder: engineFolder,
    logFolders: [topology.a, topology.b].map((region) => foldersOf(region).log),
  };
  let crds = "";
  let bin: Toolchain["bin"] | undefined;
  await runTasks([
    toolsTask(signal, (toolchain) => {
      ({ bin, crds } = toolchain);
      ground.tools = toolchain.acquired;
    }),
    {
      title: "images",
      run: async (reporter) => {
        // Those of later releases as well: what a rehearsal goes forward to, and back from.
        const names = [...imageNames, ...releaseImageNames];
        ground.images = await buildImages({ cache, toolchain: bin!, names, reporter, signal });
        const built = ground.images.filter((image) => !image.cached).length;
        return `${String(ground.images.length)} images, ${String(built)} built now`;
      },
    },
    {
      title: "two regions",
      run: async (reporter) => {
        const images = ground.images!;
        const tagOf = (name: ImageName) => images.find((image) => image.name === name)!.tag;
        const [boot, missing] = await Promise.all([
          bootRegions({
            tools: bin!,
            images: images.map(({ tag, archive }) => ({ ref: tag, archive })),
            crdsFolder: crds,
            pauseImage: tagOf("pause"),
            corednsImage: tagOf("coredns"),
            traefikImage: tagOf("traefik"),
            reporter,
            signal,
          }),
          missingPlugins(bin!.pulumi, {
            PULUMI_HOME: pulumiHome,
            PULUMI_SKIP_UPDATE_CHECK: "true",
          }),
        ]);
        ground.standIns = [...missing, "aws"];
        ground.archive = regionsArchive();
        ground.places = [placeOf(topology.a, boot), placeOf(topology.b, boot)];
        return `both ready after ${String(boot.seconds)} s`;
      },
    },
  ]);
  return { ...ground, pulumi: bin!.pulumi, kubectl: bin!.kubectl } as Ground;
}

/** Gets what a rehearsal runs, and hands it over. */
export const toolsTask = (
  signal: AbortSignal | undefined,
  keep: (toolchain: Toolchain) => void,
): Task => ({
  title: "tools",
  run: async (reporter) => {
    const toolchain = await acquireToolchain({
      cache,
      reporter: (tool) => ({
        status: (text) => {
          reporter.status(`${tool}: ${text}`);
        },
      }),
      signal,
    });
    keep(toolchain);
    const fresh = toolchain.acquired.filter((tool) => !tool.fromCache && tool.how !== "found");
    return fresh.length === 0
      ? `${String(toolchain.acquired.length)} in place`
      : fresh.map((tool) => `${tool.tool} ${tool.how} in ${tool.seconds.toFixed(0)} s`).join(", ");
  },
});

/** @throws Problem with the other way there is */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new Problem(
    "Booting two Kubernetes regions in namespaces of their own needs root. Fix: run it with sudo, or rehearse on clusters you have: npm start -- --context A --context B.",
    exitCode.cannotRun,
  );
}

function placeOf(region: Topology, boot: BootReport): Place {
  return {
    awsRegion: region.awsRegion,
    context: region.kubeContext,
    milestones: Object.entries(boot.regions[region.key].seconds).map(([name, seconds]) => ({
      name,
      seconds,
    })),
  };
}
