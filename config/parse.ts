import { problemsOf, writePath } from "./issues.ts";
import { ConfigError, printable, type Problem } from "./problems.ts";
import { parseRelease, type Release, type ReleaseFiles } from "./release.ts";
import { withoutSecrets } from "./redaction.ts";
import { brokenSeal } from "./released.ts";
import { brokenRules } from "./rules.ts";
import { wrongSecrets } from "./secrets.ts";
import { settings, stackFile, type Config, type Settings } from "./schema.ts";
import { closest } from "./suggest.ts";

const keys = Object.keys(settings) as (keyof Settings)[];

/**
 * The configuration in `raw`, the keys of the namespace `lifeline:` of one stack, together with the
 * release that it names. The keys in `secretKeys` are encrypted in the stack file; errors show no value of them.
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
    keys.flatMap((key) => {
      const { success, data } = settings[key].safeParse(raw[key]);
      return success ? [[key, data]] : [];
    }),
  );
  problems.push(...wrongSecrets(raw, secretKeys));
  problems.push(...brokenRules(valid));
  const loaded = valid.release === undefined ? { problems: [] } : load(valid.release, releases);
  if ("release" in loaded && problems.length === 0) {
    return { ...(valid as Settings), release: loaded.release };
  }
  if ("problems" in loaded) problems.push(...loaded.problems);
  throw new ConfigError(stack, withoutSecrets(problems, raw, secretKeys));
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
