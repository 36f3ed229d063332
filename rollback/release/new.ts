import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Document, parseDocument } from "yaml";

import { validReleases } from "../../config/parse.ts";
import { ConfigError } from "../../config/problems.ts";
import { parseRelease, releaseFiles, type Release } from "../../config/release.ts";
import { readSeals, sealOf, sealsFile } from "../../config/released.ts";
import { run } from "../../rehearsal/command.ts";
import { exitCode, Problem } from "../../rehearsal/problem.ts";
import { brokenWindows } from "../check/kept-releases.ts";
import { compareVersions } from "../version.ts";
import { pinned } from "./registry.ts";

export interface NewRelease {
  /** Folder of the program. */
  readonly folder: string;
  readonly version: string;
  /** @default the newest release */
  readonly from?: string;
  /** `part=image`, and so on: as typed. */
  readonly image?: readonly string[];
  readonly config?: readonly string[];
  readonly feature?: readonly string[];
  readonly secret?: readonly string[];
  readonly schema?: string;
  readonly target?: string;
  readonly breaking?: string;
}

/**
 * Writes a release file like an earlier one, comments included, with what is different, and seals it. Nothing is written
 * when the result would not be accepted.
 * @throws Problem naming what is wrong and the fix
 */
export async function newRelease(asked: NewRelease): Promise<void> {
  const releasesFolder = join(asked.folder, "releases");
  const files = releaseFiles(releasesFolder);
  const from = asked.from ?? files.versions().at(-1);
  if (from === undefined || !files.versions().includes(from)) {
    throw usage(
      `--from: there is no release ${from ?? "yet"}`,
      `one of ${files.versions().join(", ") || "none: write the first one by hand"}`,
    );
  }
  const file = join(releasesFolder, `${asked.version}.yaml`);
  if (existsSync(file) || readSeals(releasesFolder)[asked.version] !== undefined) {
    throw usage(`${asked.version} exists already, or did`, "take a version that was never used");
  }
  const document = parseDocument(files.read(from));
  // The old file's own story: what it broke and what it was made with.
  for (const path of [["schema", "breaking"], ["madeWith"]]) document.deleteIn(path);
  document.set("version", asked.version);
  await change(document, asked);
  document.set("madeWith", document.createNode(await madeWith(asked.folder)));
  const text = document.toString({ lineWidth: 0 });

  const release = valid(asked.version, text);
  const earlier = valid(from, files.read(from));
  if (compareVersions(release.version, earlier.version) <= 0) {
    throw usage(`${release.version} is not later than ${earlier.version}`, "take a higher version");
  }
  const [broken] = brokenWindows([earlier, release]);
  if (broken !== undefined) {
    throw new Problem(
      `${broken.subject}: ${broken.reason}. Fix: ${broken.fix}, here --breaking <reason>.`,
    );
  }
  writeFileSync(file, text);
  console.log(`wrote releases/${asked.version}.yaml`);
  sealRelease(asked.folder, asked.version);
}

/** From now on a change to the file is refused. @throws Problem when it still holds examples */
export function sealRelease(folder: string, version: string): void {
  const releasesFolder = join(folder, "releases");
  const found = validReleases(releaseFiles(releasesFolder)).find((it) => it.version === version);
  if (found === undefined)
    throw usage(`there is no valid release ${version}`, "npm run release -- list");
  const seals = readSeals(releasesFolder);
  if (seals[version] !== undefined) throw usage(`${version} is sealed already`, "nothing to do");
  const example = Object.values(found.images).find((image) => /\bexample\b/.test(image));
  if (example !== undefined) {
    console.log(
      `not sealed: ${example} is an example; npm run release -- seal ${version} once it is yours`,
    );
    return;
  }
  const all = { ...seals, [version]: sealOf(found) };
  const sorted = Object.entries(all).sort(([a], [b]) => compareVersions(a, b));
  writeFileSync(
    join(releasesFolder, sealsFile),
    `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`,
  );
  console.log(`sealed ${version} in releases/${sealsFile}`);
}

async function change(document: Document, asked: NewRelease): Promise<void> {
  for (const text of asked.image ?? []) {
    const [part, image] = pair("--image", text, "backend=registry/name@sha256:digest");
    if (document.getIn(["images", part]) === undefined) {
      throw usage(`--image ${text}: there is no part ${part}`, "backend, frontend or migrations");
    }
    replace(document, ["images", part], await pinned(image));
  }
  for (const text of asked.config ?? []) {
    const [name = "", ...value] = text.split("=");
    const [part = "", variable = ""] = name.split(".");
    if (variable === "") throw usage(`--config ${text}`, "--config backend.LOG_LEVEL=debug");
    if (value.length === 0) document.deleteIn(["config", part, variable]);
    else replace(document, ["config", part, variable], value.join("="));
  }
  for (const text of asked.feature ?? []) {
    const [name, state] = pair("--feature", text, "pinned-notes=on");
    replace(document, ["features", name], state);
  }
  for (const text of asked.secret ?? []) {
    const [name, version] = pair("--secret", text, "app=<version>");
    replace(document, ["secrets", name], version);
  }
  if (asked.schema !== undefined) {
    const [, min, max] = /^(\d+)\.\.(\d+)$/.exec(asked.schema) ?? [];
    if (min === undefined || max === undefined)
      throw usage(`--schema ${asked.schema}`, "--schema 1..3");
    replace(document, ["schema", "min"], Number(min));
    replace(document, ["schema", "max"], Number(max));
  }
  if (asked.target !== undefined) replace(document, ["schema", "target"], Number(asked.target));
  if (asked.breaking !== undefined) replace(document, ["schema", "breaking"], asked.breaking);
}

/** Keeps a comment of the line, unless it told to fill in what is filled in now. */
function replace(document: Document, path: readonly string[], value: unknown): void {
  const node = document.getIn(path, true) as { value?: unknown; comment?: string } | undefined;
  if (node === undefined || !("value" in node)) {
    document.setIn(path, value);
    return;
  }
  node.value = value;
  if (/FILL IN/.test(node.comment ?? "")) delete node.comment;
}

async function madeWith(folder: string) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  const { code, stdout } = await run("git", ["-C", folder, "rev-parse", "HEAD"]);
  return {
    ...(code === 0 && { commit: stdout.trim() }),
    packages: Object.fromEntries(
      Object.entries(dependencies).filter(
        ([name, version]) => name.startsWith("@pulumi/") && /^\d+\.\d+\.\d+$/.test(version),
      ),
    ),
  };
}

function valid(version: string, text: string): Release {
  const parsed = parseRelease(version, text);
  if ("release" in parsed) return parsed.release;
  throw new Problem(new ConfigError("new release", parsed.problems).message.replace(/^.*\n/, ""));
}

function pair(option: string, text: string, example: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw usage(`${option} ${text}`, `${option} ${example}`);
  return [name, value];
}

function usage(what: string, fix: string): Problem {
  return new Problem(`${what}. Fix: ${fix}.`, exitCode.usage);
}
