import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../command.ts";
import { Problem } from "../problem.ts";
import { type BuiltContent, ociConfig } from "./image-config.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** An image as one file that `ctr images import` takes; its digest is the one containerd gives the image. */
export interface Archive {
  readonly digest: string;
  readonly tag: string;
  readonly path: string;
  /** It was there already. */
  readonly cached: boolean;
}

const type = {
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+zstd",
  manifest: "application/vnd.oci.image.manifest.v1+json",
};

/**
 * Writes an OCI layout archive into `folder`. Importing it makes the image known by both `repository:tag` and
 * `repository@digest`: Kubernetes looks an image up by the name the pod gives.
 */
export async function writeArchive(
  folder: string,
  repository: string,
  content: BuiltContent,
): Promise<Archive> {
  const blobs = new Map<string, string>();
  const json = (mediaType: string, value: object): Descriptor => {
    const text = JSON.stringify(value);
    const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
    blobs.set(digest, text);
    return { mediaType, digest, size: Buffer.byteLength(text) };
  };
  const filled = content.layers.filter(({ empty }) => !empty);
  const manifest = json(type.manifest, {
    schemaVersion: 2,
    mediaType: type.manifest,
    config: json(type.config, ociConfig(content)),
    layers: filled.map(({ blob: { digest, size } }) => ({ mediaType: type.layer, digest, size })),
  });
  const tag = manifest.digest.slice("sha256:".length, "sha256:".length + 12);
  const path = join(folder, `${repository.split("/").at(-1) ?? ""}-${tag}.tar`);
  const archive = { digest: manifest.digest, tag, path };
  if (existsSync(path)) return { ...archive, cached: true };

  const index = {
    schemaVersion: 2,
    manifests: [`${repository}:${tag}`, `${repository}@${manifest.digest}`].map((name) => ({
      ...manifest,
      annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag },
    })),
  };
  const layout = makeTemporaryFolder(folder);
  try {
    const target = join(layout, "blobs", "sha256");
    mkdirSync(target, { recursive: true });
    const blobFile = (digest: string): string => join(target, digest.slice("sha256:".length));
    for (const [digest, text] of blobs) writeFileSync(blobFile(digest), text);
    for (const { digest, file } of new Map(filled.map(({ blob }) => [blob.digest, blob])).values())
      symlinkSync(file, blobFile(digest));
    writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    writeFileSync(join(layout, "index.json"), JSON.stringify(index));
    const file = join(layout, "archive.tar");
    await pack(layout, file);
    renameSync(file, path);
  } finally {
    rmSync(layout, { recursive: true, force: true });
  }
  return { ...archive, cached: false };
}

async function pack(layout: string, file: string): Promise<void> {
  const reproducible = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  const members = ["oci-layout", "index.json", "blobs"];
  const { code, lines } = await run("tar", [
    "-C",
    layout,
    "--dereference",
    ...reproducible,
    "-cf",
    file,
    ...members,
  ]);
  if (code !== 0) throw new Problem(`cannot write ${file}: ${lines.join("\n")}`);
}
