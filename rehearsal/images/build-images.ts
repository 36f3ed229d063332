import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { repository } from "../paths.ts";
import { exitCode, Problem } from "../problem.ts";
import type { Reporter } from "../progress.ts";
import { buildImage, type ImageSource } from "./image-build.ts";
import { LayerStore } from "./layer-store.ts";
import { writeArchive } from "./oci-archive.ts";
import { removeAbandoned } from "./temporary-folder.ts";

/** Every image a rehearsal runs. */
export const imageNames = [
  "backend",
  "frontend",
  "migrations",
  "postgres",
  "pause",
  "coredns",
  "traefik",
] as const;

/** Images of later releases of the sample application: those of v1.0.0 with the files of each release copied over, in order. */
const releaseImages = {
  "backend-v1.1.0": { part: "backend", changes: ["v1.1.0"] },
  "backend-v1.3.0": { part: "backend", changes: ["v1.3.0"] },
  "backend-v1.4.0": { part: "backend", changes: ["v1.4.0"] },
  "migrations-v1.3.0": { part: "migrations", changes: ["v1.3.0"] },
  "migrations-v1.4.0": { part: "migrations", changes: ["v1.3.0", "v1.4.0"] },
} as const;

export type ReleaseImageName = keyof typeof releaseImages;
export const releaseImageNames = Object.keys(releaseImages) as ReleaseImageName[];

export type ImageName = (typeof imageNames)[number] | ReleaseImageName;

/** An image, ready to be imported. */
export interface BuiltImage {
  readonly name: ImageName;
  /** `localhost/lifeline/<name>@sha256:...`: what a pod asks for. */
  readonly reference: string;
  /** `localhost/lifeline/<name>:<tag>`: for people; the tag is the start of the digest. */
  readonly tag: string;
  /** OCI layout archive for `ctr images import`, which makes the image known by `reference` and by `tag`. */
  readonly archive: string;
  /** `sha256:...` of the manifest, as containerd computes it. */
  readonly digest: string;
  readonly seconds: number;
  /** Nothing was built: the archive was there already. */
  readonly cached: boolean;
}

export interface BuildImagesArgs {
  /** Folder for everything kept between runs; images go to `images/` in it. */
  readonly cache: string;
  /** Paths of the executables that become images of their own. */
  readonly toolchain: {
    readonly pause: string;
    readonly coredns: string;
    readonly traefik: string;
  };
  /** @default those of the first release */
  readonly names?: readonly ImageName[];
  readonly reporter: Reporter;
  /** Stops between two instructions. */
  readonly signal?: AbortSignal;
}

const images = join(repository, "images");
const rehearsal = join(repository, "rehearsal");

/**
 * Builds all images of a rehearsal from the Dockerfiles that `docker build` uses, with neither a registry nor a
 * container engine. Layers and archives are kept: a second run builds what has changed. Needs root.
 * @throws Problem naming the Dockerfile and line at fault, or what is missing on this machine
 */
export async function buildImages({
  cache,
  toolchain,
  names = imageNames,
  reporter,
  signal,
}: BuildImagesArgs): Promise<BuiltImage[]> {
  if (process.getuid?.() !== 0)
    throw new Problem(
      "building images needs root, for chroot and overlay mounts: run it with sudo",
      exitCode.cannotRun,
    );
  const archives = join(cache, "images", "archives");
  mkdirSync(archives, { recursive: true });
  removeAbandoned(archives);
  const store = new LayerStore(join(cache, "images", "layers"));
  return Promise.all(
    names.map(async (name) => {
      const started = performance.now();
      const status = (text: string): void => {
        signal?.throwIfAborted();
        reporter.status(`${name}: ${text}`);
      };
      const content = await buildImage(sourceOf(name, toolchain), store, status);
      status("writing the archive");
      const repositoryName = `localhost/lifeline/${name}`;
      const { digest, tag, path, cached } = await writeArchive(archives, repositoryName, content);
      return {
        name,
        reference: `${repositoryName}@${digest}`,
        tag: `${repositoryName}:${tag}`,
        archive: path,
        digest,
        seconds: (performance.now() - started) / 1000,
        cached,
      };
    }),
  );
}

function sourceOf(name: ImageName, toolchain: BuildImagesArgs["toolchain"]): ImageSource {
  switch (name) {
    case "postgres":
      return {
        dockerfile: join(images, name, "Dockerfile"),
        context: { folder: join(images, name) },
      };
    case "backend":
    case "frontend":
    case "migrations":
      return {
        dockerfile: join(rehearsal, "sample-app", name, "Dockerfile"),
        context: { folder: join(rehearsal, "sample-app") },
      };
    case "pause":
    case "coredns":
    case "traefik":
      return {
        dockerfile: join(rehearsal, "images", name, "Dockerfile"),
        context: { files: { [name]: toolchain[name] } },
      };
    case "backend-v1.1.0":
    case "backend-v1.3.0":
    case "backend-v1.4.0":
    case "migrations-v1.3.0":
    case "migrations-v1.4.0": {
      const { part, changes } = releaseImages[name];
      const files = changes.map((release) => `COPY releases/${release}/${part} /opt/app/${part}`);
      return { ...sourceOf(part, toolchain), changes: files };
    }
  }
}
