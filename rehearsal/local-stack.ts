import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Document, parseDocument } from "yaml";
import { repository } from "./paths.ts";

export interface LocalStackOptions {
  /** Folder that receives the project and the releases. */
  readonly folder: string;
  /** In place of the stack file's. */
  readonly namespace?: string;
  readonly kubeconfig: string;
  /** Contexts of both regions, in the order of the stack file. */
  readonly contexts: readonly [string, string];
  /** Settings in place of the stack file's, such as activeRegion or postgres.replicas. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Release files beside the clone's, by version. */
  readonly releases?: Readonly<Record<string, string>>;
  /** References by digest of the images built here, by name; empty uses the pinned ones as they are. */
  readonly images: Readonly<Record<string, string>>;
}

export interface LocalStack {
  readonly projectFolder: string;
  readonly releasesFolder: string;
}

/** Where an image reference stands in the stack file. */
const stackImages = [
  { path: ["config", "lifeline:postgres", "image"], image: "postgres" },
  { path: ["config", "lifeline:smoke", "image"], image: "postgres" },
] as const;

/**
 * Writes the rehearsal's own copy of the project: Pulumi.local.yaml and every release, in which only image references,
 * kubeconfig and contexts differ from the clone's. What the engine wrote into an earlier copy, the salt of its encryption
 * and encrypted values, is kept.
 */
export function writeLocalStack(options: LocalStackOptions): LocalStack {
  const projectFolder = join(options.folder, "project");
  const releasesFolder = join(options.folder, "releases");
  mkdirSync(projectFolder, { recursive: true });
  cpSync(join(repository, "Pulumi.yaml"), join(projectFolder, "Pulumi.yaml"));
  writeStackFile(join(projectFolder, "Pulumi.local.yaml"), options);

  rmSync(releasesFolder, { recursive: true, force: true });
  mkdirSync(releasesFolder);
  for (const file of yamlFiles(join(repository, "releases"))) {
    const release = read(join(repository, "releases", file));
    for (const part of parts) replaceImage(release, ["images", part], options.images[part]);
    writeFileSync(join(releasesFolder, file), release.toString());
  }
  writeSampleReleases(releasesFolder, options.images);
  for (const [version, text] of Object.entries(options.releases ?? {})) {
    writeFileSync(join(releasesFolder, `${version}.yaml`), text);
  }
  return { projectFolder, releasesFolder };
}

const parts = ["backend", "frontend", "migrations"] as const;

/** Later releases of the sample application, those whose images were built; the repository's own go before. */
function writeSampleReleases(folder: string, images: Readonly<Record<string, string>>): void {
  const samples = join(repository, "rehearsal/releases");
  for (const file of yamlFiles(samples)) {
    const release = read(join(samples, file));
    const built = parts.map((part) => {
      const [, name = ""] = /([^/]+)@/.exec(String(release.getIn(["images", part]))) ?? [];
      return [part, images[name]] as const;
    });
    if (existsSync(join(folder, file)) || built.some(([, image]) => image === undefined)) continue;
    for (const [part, image] of built) replaceImage(release, ["images", part], image);
    writeFileSync(join(folder, file), release.toString());
  }
}

const yamlFiles = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith(".yaml"));

function writeStackFile(file: string, options: LocalStackOptions): void {
  const stack = read(join(repository, "Pulumi.local.yaml"));
  for (const { path, image } of stackImages) replaceImage(stack, path, options.images[image]);
  stack.setIn(["config", "lifeline:kubeconfig"], options.kubeconfig);
  if (options.namespace !== undefined) {
    stack.setIn(["config", "lifeline:namespace"], options.namespace);
    stack.setIn(["config", "lifeline:host"], `${options.namespace}.lifeline.test`);
    // Two databases must never share an archive.
    stack.setIn(["config", "lifeline:backups", "bucketPrefix"], options.namespace);
  }
  for (const [index, context] of options.contexts.entries()) {
    stack.setIn(["config", "lifeline:regions", index, "kubeContext"], context);
  }
  for (const [setting, value] of Object.entries(options.settings ?? {})) {
    const [key = "", ...path] = setting.split(/[.[\]]+/).filter((part) => part !== "");
    // An entry of a list goes by its number.
    const inside = path.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    stack.setIn(["config", `lifeline:${key}`, ...inside], value);
  }
  if (existsSync(file)) keepEncrypted(read(file), stack);
  writeFileSync(file, stack.toString());
}

function keepEncrypted(before: Document, after: Document): void {
  const { encryptionsalt, config = {} } = before.toJS() as {
    encryptionsalt?: string;
    config?: Record<string, unknown>;
  };
  if (encryptionsalt !== undefined) after.set("encryptionsalt", encryptionsalt);
  for (const [key, value] of Object.entries(config)) {
    if (typeof value === "object" && value !== null && "secure" in value)
      after.setIn(["config", key], value);
  }
}

function replaceImage(
  document: Document,
  path: readonly string[],
  reference: string | undefined,
): void {
  if (reference !== undefined) document.setIn(path, reference);
}

function read(file: string): Document {
  const document = parseDocument(readFileSync(file, "utf8"));
  const problem = document.errors[0];
  if (problem !== undefined) throw new Error(`${file}: ${problem.message}`);
  return document;
}
