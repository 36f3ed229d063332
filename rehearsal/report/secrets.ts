import { escapeHtml } from "./markup.ts";

/**
 * Throws when `text` holds one of the secrets, as it is or as JSON, HTML, a URL or base64 would
 * write it. The error names `source`, the secret by position and the line, never its value.
 */
export function assertNoSecrets(text: string, secrets: readonly string[], source: string): void {
  for (const [index, secret] of secrets.entries()) {
    if (secret === "") throw new Error(`secret ${index + 1} of ${secrets.length} is empty`);
    for (const [written, spelling] of spellings(secret)) {
      const position = text.indexOf(written);
      if (position === -1) continue;
      const line = text.slice(0, position).split("\n").length;
      throw new Error(
        `secret ${index + 1} of ${secrets.length} is in ${source}, line ${line}, as ${spelling}. ` +
          "Find what wrote it there, and replace the secret.",
      );
    }
  }
}

/** What each spelling is called, by the spelling: most secrets are written the same everywhere, and searched for once. */
function spellings(secret: string): Map<string, string> {
  return new Map([
    [Buffer.from(secret).toString("base64").replace(/=+$/, ""), "base64"],
    [encodeURIComponent(secret), "a URL"],
    [escapeHtml(secret), "HTML"],
    [JSON.stringify(secret).slice(1, -1), "JSON"],
    [secret, "plain text"],
  ]);
}
