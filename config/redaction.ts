import { writePath } from "./issues.ts";
import { hidden, type Problem } from "./problems.ts";

/** Keys that hold names of secrets: where a name is asked for, somebody may have written the secret. */
const namesOfSecrets = /^lifeline:secrets(?!\.(mode|roleArn)$)/;

/**
 * `problems` as anybody may read them: they show and advise no value of the keys in `secretKeys`, at
 * whatever depth it stands, nor what was written in place of a secret's name.
 */
export function withoutSecrets(
  problems: readonly Problem[],
  raw: Readonly<Record<string, unknown>>,
  secretKeys: ReadonlySet<string>,
): Problem[] {
  // Long ones first: a short one may be part of a long one.
  const secrets = [...secretKeys]
    .flatMap((key) => scalars(raw[key]))
    .sort((a, b) => b.length - a.length);
  return problems.map(({ field, value, allowed, fix }) => ({
    field,
    value: isSecret(field, secretKeys) ? hidden : without(secrets, value),
    allowed: without(secrets, allowed),
    fix: without(secrets, fix),
  }));
}

function isSecret(field: string, secretKeys: ReadonlySet<string>): boolean {
  const within = (key: string) => {
    const top = `lifeline:${writePath([key])}`;
    return field === top || field.startsWith(`${top}.`) || field.startsWith(`${top}[`);
  };
  return [...secretKeys].some(within) || namesOfSecrets.test(field);
}

/** Only whole words are taken out: a secret 3 leaves "63 characters" as it is. */
function without(secrets: readonly string[], text: string): string {
  return secrets.reduce((rest, secret) => {
    const literal = secret.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    return rest.replace(new RegExp(`(?<!\\w)${literal}(?!\\w)`, "g"), hidden);
  }, text);
}

/** The texts and numbers in `value`. */
function scalars(value: unknown): string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(scalars);
  return typeof value === "number" || (typeof value === "string" && value !== "")
    ? [String(value)]
    : [];
}
