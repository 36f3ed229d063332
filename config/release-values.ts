import { z } from "zod";

import { text } from "./expectation.ts";

const secretLooking =
  /PASS(WORD|WD|PHRASE)?(_|$)|TOKEN|SECRET|CREDENTIAL|PRIVATE|(^|_)(API_?)?KEY(_|$)|DSN/;

/** True for the name of a key or variable that seems to hold a secret. */
export function looksSecret(name: string): boolean {
  return secretLooking.test(name.toUpperCase());
}

const environmentName = text(
  {
    allowed: "the name of an environment variable: A-Z, 0-9 and _, not starting with a digit",
    fix: "use capitals and _, such as LOG_LEVEL",
  },
  /^[A-Z_][A-Z0-9_]*$/,
).refine((name) => !looksSecret(name), {
  params: {
    allowed: "only what anybody may read: a release is committed in plain text",
    fix: "keep it with the secrets of the stack; if it is not a secret, choose another name",
  },
});

const environmentValue = text(
  { allowed: "a string without line breaks", fix: 'quote it, such as "true" or "10"' },
  /^[^\r\n\0]*$/,
);

/** Environment variables of one part of the product; none may be secret. */
export const environment = z.record(environmentName, environmentValue);

const featureName = text(
  {
    allowed: "the name of a feature: lower case letters and digits, joined by -",
    fix: "write it such as pinned-notes; the program makes FEATURE_PINNED_NOTES of it",
  },
  /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
);

const featureState = text(
  { allowed: "on or off", fix: "write on or off, as a word" },
  /^(on|off)$/,
);

/** Switches of a release by name. */
export const features = z.record(featureName, featureState);

export const secretVersion = text(
  {
    allowed: "the version of a secret: letters, digits and -, 64 at most; never its value",
    fix: "take the VersionId from `aws secretsmanager list-secret-version-ids --secret-id <name>`",
  },
  /^[A-Za-z0-9-]{1,64}$/,
);

export const schemaBreak = text(
  {
    allowed: "the reason why the release before cannot run on this schema, in one line",
    fix: "say what it loses, or leave the key out and widen the window of the release before",
  },
  /^\S[^\r\n]{9,199}$/,
);

export const commit = text(
  { allowed: "a commit: 40 hexadecimal digits", fix: "take it from `git rev-parse HEAD`" },
  /^[0-9a-f]{40}$/,
);

const packageName = text(
  { allowed: "the name of an npm package", fix: "write it as in package.json" },
  /^(@[a-z0-9-]+\/)?[a-z0-9][a-z0-9.-]*$/,
);

const exactVersion = text(
  { allowed: "an exact version such as 4.34.2", fix: "pin it: no range, no latest" },
  /^\d+\.\d+\.\d+$/,
);

/** Exact versions by package. */
export const packageVersions = z.record(packageName, exactVersion);
