import type { Problem } from "../../config/problems.ts";
import { parseRelease, type Release, type ReleaseFiles } from "../../config/release.ts";
import { brokenSeal, unsealed, type Seals } from "../../config/released.ts";
import { compareVersions } from "../version.ts";
import type { Finding } from "./way-back.ts";

/** Each release that the one before it could not follow back without losing data, unless it says so itself. */
export function brokenWindows(releases: readonly Release[]): Finding[] {
  const sorted = [...releases].sort((a, b) => compareVersions(a.version, b.version));
  return sorted.slice(1).flatMap((newer, index) => {
    const older = sorted[index];
    const { target, breaking } = newer.schema;
    if (older === undefined || breaking !== undefined) return [];
    if (target >= older.schema.min && target <= older.schema.max) return [];
    return [
      {
        rule: "schema window",
        subject: `releases/${newer.version}.yaml`,
        reason: `its migrations lead to schema version ${String(target)}, ${older.version} runs on ${String(older.schema.min)} to ${String(older.schema.max)}: during the rollout, and after a rollback, ${older.version} would not become ready`,
        fix: `migrate in a way that ${older.version} runs on and bring out a release that accepts both first; or say what is lost: schema.breaking: <reason>`,
      },
    ];
  });
}

/** Each problem of a release file that cannot be used, and each release that was sealed and has none. */
export function missingReleases(files: ReleaseFiles): Finding[] {
  const versions = files.versions();
  const invalid = versions.flatMap((version) => {
    const parsed = parseRelease(version, files.read(version));
    return "problems" in parsed ? parsed.problems.map(findingOf) : [];
  });
  const gone = Object.keys(files.seals())
    .filter((version) => !versions.includes(version))
    .map((version) => ({
      rule: "released file" as const,
      subject: `releases/${version}.yaml`,
      reason: `${version} is sealed in releases/released.json, and there is no such file: a stack that runs it cannot be brought back to it`,
      fix: `restore the file (git log -p -- releases/${version}.yaml)`,
    }));
  return [...invalid, ...gone];
}

/** Each release that is not what was released, or whose seal was taken back. */
export function brokenSeals(
  releases: readonly Release[],
  now: Seals,
  before: Seals | undefined,
): Finding[] {
  const changed = releases.flatMap((release) =>
    brokenSeal(release, now[release.version]).map(findingOf),
  );
  const taken = unsealed(before ?? {}, now).map((version) => ({
    rule: "released file" as const,
    subject: `releases/released.json: ${version}`,
    reason: "what was released cannot become unreleased: stacks may run it",
    fix: `restore the entry (git log -p releases/released.json)`,
  }));
  return [...changed, ...taken];
}

const findingOf = ({ field, value, allowed, fix }: Problem): Finding => ({
  rule: "released file",
  subject: field,
  reason: `it is ${value}; allowed is ${allowed}`,
  fix,
});

/** Exact versions of the program's Pulumi packages. */
export type Packages = Readonly<Record<string, string>>;

/** Each provider whose major version would go down: the state was written by the later one. */
export function olderProviders(newer: Packages, older: Packages): Finding[] {
  return Object.entries(newer).flatMap(([name, version]) => {
    const then = older[name];
    if (!name.startsWith("@pulumi/") || then === undefined) return [];
    if (majorOf(version) <= majorOf(then)) return [];
    return [
      {
        rule: "older provider",
        subject: name,
        reason: `going back takes it from ${version} to ${then}, and its state may have a form that ${then} does not know`,
        fix: "raise the provider alone first, keep it for a while, and change nothing else with it",
      },
    ];
  });
}

function majorOf(version: string): number {
  return Number(/\d+/.exec(version)?.[0] ?? 0);
}
