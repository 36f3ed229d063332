import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { type Document, LineCounter, parseDocument, visit } from "yaml";
import type { z } from "zod";

import { section, whole } from "./expectation.ts";
import { problemsOf, writePath } from "./issues.ts";
import { readSeals, type Seals } from "./released.ts";
import { hidden, printable, type Problem } from "./problems.ts";
import {
  commit,
  environment,
  features,
  packageVersions,
  schemaBreak,
  secretVersion,
} from "./release-values.ts";
import { image, releaseVersion } from "./values.ts";

const schemaVersion = whole("migrations", 0, 1_000_000);

const release = section({
  version: releaseVersion,
  images: section({ backend: image, frontend: image, migrations: image }),
  /** Environment variables that are not secret. */
  config: section({ backend: environment, frontend: environment }),
  schema: section({
    /** Oldest schema version that this release runs on. */
    min: schemaVersion,
    /** Newest schema version that this release runs on. */
    max: schemaVersion,
    /** The schema version that its migrations bring the database to. */
    target: schemaVersion,
    /** Why the release before cannot run on `target`; going back then needs the restore point. */
    breaking: schemaBreak.exactOptional(),
  }),
  /** Switches that backend and frontend see alike, as FEATURE_<NAME>. */
  features: features.exactOptional(),
  /** Versions of secret values that belong to the code. What the platform owns, such as passwords, does not go back. */
  secrets: section({ app: secretVersion }).exactOptional(),
  /** What it was made with, as `npm run release -- new` found it. */
  madeWith: section({
    /** Commit of this program. */
    commit: commit.exactOptional(),
    /** Exact versions of the engine's SDK and of each provider. */
    packages: packageVersions,
  }).exactOptional(),
});

/** All that goes back together. Immutable once a stack has used it. */
export type Release = z.infer<typeof release>;

/** Where releases come from: one `<version>.yaml` each. */
export interface ReleaseFiles {
  /** Every version there is, oldest first. */
  versions(): string[];
  /** Content of the file of one of `versions()`. */
  read(version: string): string;
  /** What may not change any more. */
  seals(): Seals;
}

/** The releases of a folder; a folder that does not exist has none. */
export function releaseFiles(folder: string): ReleaseFiles {
  return {
    versions: () =>
      (existsSync(folder) ? readdirSync(folder) : [])
        .filter((name) => name.endsWith(".yaml"))
        .map((name) => name.slice(0, -".yaml".length))
        .sort((a, b) => a.localeCompare(b, "en", { numeric: true })),
    read: (version) => readFileSync(join(folder, `${version}.yaml`), "utf8"),
    seals: () => readSeals(folder),
  };
}

/** The release in `text`, the content of `<version>.yaml`, or every problem that it has. */
export function parseRelease(
  version: string,
  text: string,
): { release: Release } | { problems: Problem[] } {
  const file = `releases/${version}.yaml`;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const mistake = firstMistake(document);
  if (mistake !== undefined) {
    const { line } = lines.linePos(mistake.position);
    return {
      problems: [
        {
          field: `${file}: line ${String(line)}`,
          value: mistake.what,
          allowed: "one YAML document without aliases, each key once, indented by spaces",
          fix: "correct the line; compare an earlier release",
        },
      ],
    };
  }

  const value: unknown = document.toJS();
  const problems = [
    ...problemsOf(release, value, (path) =>
      path.length === 0 ? file : `${file}: ${writePath(path)}`,
    ).map((problem) =>
      // Where a version is asked for, somebody may have written the secret itself.
      problem.field.startsWith(`${file}: secrets.`) ? { ...problem, value: hidden } : problem,
    ),
    ...wrongName(value, version, file),
    ...wrongWindow(value, file),
    ...doubledFeatures(value, file),
  ];
  return problems.length > 0 ? { problems } : { release: release.parse(value) };
}

/** The parser's own words are left out: they quote the file, which may hold what it should not. */
function firstMistake(document: Document): { what: string; position: number } | undefined {
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    return { what: error.code.toLowerCase().replaceAll("_", " "), position: error.pos[0] };
  }
  let alias: { what: string; position: number } | undefined;
  visit(document, {
    Alias: (_, { range }) => {
      alias = { what: "alias", position: range?.[0] ?? 0 };
      return visit.BREAK;
    },
  });
  return alias;
}

function wrongName(value: unknown, expected: string, file: string): Problem[] {
  const { data } = release.pick({ version: true }).loose().safeParse(value);
  if (data === undefined || data.version === expected) return [];
  return [
    {
      field: `${file}: version`,
      value: printable(data.version),
      allowed: `${printable(expected)}, as the file is named`,
      fix: "rename the file or correct the version",
    },
  ];
}

function wrongWindow(value: unknown, file: string): Problem[] {
  const { data } = release.pick({ schema: true }).loose().safeParse(value);
  if (data === undefined) return [];
  const { min, max, target } = data.schema;
  if (min > max) {
    return [
      {
        field: `${file}: schema.min`,
        value: String(min),
        allowed: `at most schema.max, which is ${String(max)}`,
        fix: "write the oldest schema version that the release runs on as min, the newest as max",
      },
    ];
  }
  if (target >= min && target <= max) return [];
  return [
    {
      field: `${file}: schema.target`,
      value: String(target),
      allowed: `from schema.min to schema.max, ${String(min)} to ${String(max)}`,
      fix: "widen the window: a release must run on the schema that its own migrations make",
    },
  ];
}

function doubledFeatures(value: unknown, file: string): Problem[] {
  const { data } = release.pick({ config: true, features: true }).loose().safeParse(value);
  return Object.entries(data?.features ?? {}).flatMap(([feature, state]) => {
    const variable = featureVariable(feature);
    const part = (["backend", "frontend"] as const).find(
      (name) => data?.config[name][variable] !== undefined,
    );
    if (part === undefined) return [];
    return [
      {
        field: `${file}: features.${feature}`,
        value: printable(state),
        allowed: `nothing, while config.${part}.${variable} is there`,
        fix: `remove config.${part}.${variable}: a feature is switched in one place`,
      },
    ];
  });
}

/** The environment variable by which backend and frontend see a feature. */
export function featureVariable(feature: string): string {
  return `FEATURE_${feature.toUpperCase().replaceAll("-", "_")}`;
}

/** All environment variables that a release gives to one part. */
export function environmentOf(
  { config, features = {} }: Pick<Release, "config" | "features">,
  part: keyof Release["config"],
): Record<string, string> {
  const switches = Object.entries(features).map(([feature, state]) => [
    featureVariable(feature),
    state === "on" ? "true" : "false",
  ]);
  return { ...config[part], ...(Object.fromEntries(switches) as Record<string, string>) };
}
