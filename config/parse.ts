import { problemsOf, writePath } from "./issues.ts";
import { ConfigError, hidden, printable, type Problem } from "./problems.ts";
import { parseRelease, type Release, type ReleaseFiles } from "./release.ts";
import { withoutSecrets } from "./redaction.ts";
import { brokenSeal } from "./released.ts";
import { brokenRules } from "./rules.ts";
import { settings, stackFile, type Config, type Settings } from "./schema.ts";
import { closest } from "./suggest.ts";

const keys = Object.keys(settings) as (keyof Settings)[];

/**
 * The configuration in `raw`, the keys of the namespace `lifeline:` of one stack, together with the
 * release that it names. Errors show no value of the keys in `secretKeys`.
 * @throws ConfigError naming every problem at once
 */
export function parseConfig(
  stack: string,
  raw: Readonly<Record<string, unknown>>,
  releases: ReleaseFiles,
  secretKeys: ReadonlySet<string> = new Set(),
): Config {
  const problems = problemsOf(stackFile, raw, (path) => `lifeline:${writePath(path)}`);
  const valid: Partial<Settings> = Object.fromEntries(
    keys.filter((key) => settings[key].safeParse(raw[key]).success).map((key) => [key, raw[key]]),
  );
  problems.push(...wrongCredentials(raw["registryCredentials"], raw["secrets"]));
  problems.push(...brokenRules(valid));
  const loaded = valid.release === undefined ? { problems: [] } : load(valid.release, releases);
  if ("release" in loaded && problems.length === 0) {
    return { ...(valid as Settings), release: loaded.release };
  }
  if ("problems" in loaded) problems.push(...loaded.problems);
  throw new ConfigError(stack, withoutSecrets(problems, raw, secretKeys));
}

function wrongCredentials(value: unknown, secrets: unknown): Problem[] {
  if (value === undefined) return [];
  const problem = { field: "lifeline:registryCredentials", value: hidden };
  if (modeOf(secrets) === "external") {
    return [
      {
        ...problem,
        allowed: 'nothing here while lifeline:secrets.mode is "external"',
        fix: `store it under lifeline:secrets.names.registry and run \`pulumi config rm registryCredentials\``,
      },
    ];
  }
  if (isDockerConfig(value)) return [];
  return [
    {
      ...problem,
      allowed: 'the JSON of a .dockerconfigjson: {"auths": {"<registry>": {...}}}',
      fix: `run \`pulumi config set --secret registryCredentials < ~/.docker/config.json\``,
    },
  ];
}

function modeOf(secrets: unknown): unknown {
  return typeof secrets === "object" && secrets !== null ? Reflect.get(secrets, "mode") : undefined;
}

function isDockerConfig(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const auths: unknown = Reflect.get(value, "auths");
  return typeof auths === "object" && auths !== null && !Array.isArray(auths);
}

/** Every release of the folder that is valid by itself; the stack's own is checked with its stack file. */
export function validReleases(releases: ReleaseFiles): Release[] {
  return releases.versions().flatMap((version) => {
    const parsed = parseRelease(version, releases.read(version));
    return "release" in parsed ? [parsed.release] : [];
  });
}

function load(
  version: string,
  releases: ReleaseFiles,
): { release: Release } | { problems: Problem[] } {
  const versions = releases.versions();
  if (versions.includes(version)) {
    const parsed = parseRelease(version, releases.read(version));
    if ("problems" in parsed) return parsed;
    const problems = brokenSeal(parsed.release, releases.seals()[version]);
    return problems.length > 0 ? { problems } : parsed;
  }
  const meant = closest(version, versions);
  return {
    problems: [
      {
        field: "lifeline:release",
        value: printable(version),
        allowed: versions.length > 0 ? `one of ${versions.join(", ")}` : "a release; there is none",
        fix: `${meant === undefined ? "" : `did you mean "${meant}"? Or `}add releases/${version}.yaml`,
      },
    ],
  };
}
