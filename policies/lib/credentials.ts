/**
 * Names that announce a credential by their last word: `JWT_SECRET`, `PGPASSWORD`, `apiKey`.
 * `TOKEN_TTL` and `JWT_SECRET_FILE` announce something else.
 */
export function announcesCredential(name: string): boolean {
  return credentialName.test(name);
}

const credentialName =
  /(password|passwd|passphrase|secret|token|credentials?|(access|api|encryption|private|secret|signing)[-_.]?key([-_.]?id)?)$/i;

const shapes: readonly { readonly name: string; readonly pattern: RegExp }[] = [
  { name: "an AWS access key", pattern: /\b(AKIA|ASIA)[A-Z0-9]{16}\b/ },
  { name: "a private key", pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
  { name: "a URL with a password", pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:[^\s/@]+@/i },
  { name: "a GitHub token", pattern: /\b(gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{22,})/ },
  { name: "a JSON web token", pattern: /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+/ },
  { name: "a Slack token", pattern: /\bxox[abprs]-[A-Za-z0-9-]{10,}/ },
  { name: "a password assignment", pattern: /\b(password|passwd|pwd)\s*=\s*['"]?[^\s'"$<{/]/i },
];

/** What kind of credential a text holds, in words for a message, or undefined if none is known. */
export function credentialIn(text: string): string | undefined {
  return shapes.find(({ pattern }) => pattern.test(text))?.name;
}
