import { credentialIn } from "../policies/lib/credentials.ts";

/** Texts shorter than this are too common to be cut out of a line. */
const shortest = 4;

/**
 * Lines of a log as anybody may read them: without the given secrets, in whatever form a program writes them, and without
 * lines that hold what looks like a credential.
 */
export function masked(lines: readonly string[], secrets: readonly string[]): string[] {
  const forms = [...new Set(secrets.flatMap(formsOf))]
    .filter((form) => form.length >= shortest)
    // Longest first: a short secret must not break up a longer one that contains it.
    .sort((one, other) => other.length - one.length);
  return lines.map((line) => {
    const without = forms.reduce((text, form) => text.replaceAll(form, "[secret]"), line);
    const credential = credentialIn(without);
    return credential === undefined ? without : `[a line with ${credential}]`;
  });
}

function formsOf(secret: string): string[] {
  const texts = [secret, ...secret.split("\n")].map((text) => text.trim());
  return texts.flatMap((text) => [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    Buffer.from(text).toString("base64"),
  ]);
}
