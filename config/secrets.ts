import { hidden, type Problem } from "./problems.ts";

type Raw = Readonly<Record<string, unknown>>;

/** What is wrong with the secrets of a stack file, never showing any of them; `secretKeys` are those that are encrypted. */
export function wrongSecrets(raw: Raw, secretKeys: ReadonlySet<string>): Problem[] {
  const wrong = [...wrongRegistryCredentials(raw), ...wrongArchiveCredentials(raw)];
  const told = new Set(wrong.map(({ field }) => field));
  return [...wrong, ...inPlainText(raw, secretKeys).filter(({ field }) => !told.has(field))];
}

/** A value that is not marked as secret is plain in the stack file, in the state and in the outputs of every run. */
function inPlainText(raw: Raw, secretKeys: ReadonlySet<string>): Problem[] {
  return ["registryCredentials", "archiveCredentials"]
    .filter((key) => raw[key] !== undefined && !secretKeys.has(key))
    .map((key) => ({
      field: `lifeline:${key}`,
      value: hidden,
      allowed: "a value that is encrypted in the stack file; this one is there in plain text",
      fix: `replace the credentials, they have been seen, and run \`pulumi config set --secret ${key} < FILE\``,
    }));
}

function wrongRegistryCredentials({ registryCredentials: value, secrets }: Raw): Problem[] {
  if (value === undefined) return [];
  const problem = { field: "lifeline:registryCredentials", value: hidden };
  if (field(secrets, "mode") === "external") {
    return [
      {
        ...problem,
        allowed: 'nothing here while lifeline:secrets.mode is "external"',
        fix: `store it under lifeline:secrets.names.registry and run \`pulumi config rm registryCredentials\``,
      },
    ];
  }
  if (isObject(field(value, "auths"))) return [];
  return [
    {
      ...problem,
      allowed: 'the JSON of a .dockerconfigjson: {"auths": {"<registry>": {...}}}',
      fix: `run \`pulumi config set --secret registryCredentials < ~/.docker/config.json\``,
    },
  ];
}

/** What reads or writes a bucket with keys of its own. */
const holders = ["own", "peer", "proof", "reports"] as const;
export type ArchiveHolder = (typeof holders)[number];

/** The keys may be absent here: whoever only reads the configuration does not hold them. */
function wrongArchiveCredentials({ archiveCredentials: value, backups, regions }: Raw): Problem[] {
  if (value === undefined) return [];
  const problem = { field: "lifeline:archiveCredentials", value: hidden };
  if (field(field(backups, "access"), "kind") === "webIdentity") {
    return [
      {
        ...problem,
        allowed: 'nothing here while lifeline:backups.access.kind is "webIdentity"',
        fix: "revoke the keys and run `pulumi config rm archiveCredentials`",
      },
    ];
  }
  const names = Array.isArray(regions) ? regions.map((region) => field(region, "name")) : [];
  const isComplete = names.every((name) =>
    holders.every((holder) => isPair(field(field(value, String(name)), holder))),
  );
  return isComplete ? [] : [missingArchiveCredentials];
}

/** Told by whoever needs the keys and has none. */
export const missingArchiveCredentials: Problem = {
  field: "lifeline:archiveCredentials",
  value: hidden,
  allowed: `JSON with an entry per region, each with ${holders.join(", ")}, each of these {"accessKey", "secretKey"}`,
  fix: "run `pulumi config set --secret archiveCredentials < keys.json`",
};

function isPair(value: unknown): boolean {
  return ["accessKey", "secretKey"].every((name) => {
    const key = field(value, name);
    // A line break would end the setting that the key is written into, and begin another one.
    return typeof key === "string" && /^\S+$/.test(key);
  });
}

function field(value: unknown, name: string): unknown {
  return isObject(value) ? Reflect.get(value, name) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
