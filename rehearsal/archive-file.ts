import { readFileSync, statSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { certificatePem, endpoint } from "../config/data-values.ts";
import { section } from "../config/expectation.ts";
import { problemsOf, writePath } from "../config/issues.ts";
import { type Problem as Finding, describe, hidden } from "../config/problems.ts";
import { bucketPrefix } from "../config/values.ts";
import type { Archive } from "./archive.ts";
import { Problem, exitCode } from "./problem.ts";
import { type S3Accounts, type S3Credentials, s3AccountNames } from "./regions/s3-access.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Key = string | { readonly env: string };
type Pair = Readonly<Record<"accessKey" | "secretKey", Key>>;
type Accounts = Readonly<Record<keyof S3Accounts, Pair>>;

/** Written here, or in a variable of the environment that is named here. */
const key = z.custom<Key>(
  (value) =>
    (typeof value === "string" && /^\S+$/.test(value)) ||
    (typeof value === "object" && value !== null && isVariable(value)),
  {
    params: {
      allowed: "a key without spaces, or {env: NAME}",
      fix: "write the key, or name the variable of the environment that holds it",
    },
  },
);

const isVariable = (value: object): boolean =>
  Object.keys(value).join() === "env" &&
  /^[A-Za-z_]\w*$/.test(String((value as { env: unknown }).env));

const account = section({ accessKey: key, secretKey: key });
const region = section({
  /** Where the region's pods find its S3 server. */
  endpoint,
  accounts: section({ own: account, peer: account, proof: account, reports: account }),
});

/**
 * An S3 service for clusters that bring none, as a file describes it, YAML or JSON: docs/archive-file.md. Nothing is asked
 * of the service: this machine may not reach it.
 * @throws Problem naming every field at fault, never showing a key
 */
export function readArchive(
  file: string,
  regionNames: readonly string[],
  environment: Environment = process.env,
): Archive {
  const raw = contentOf(file);
  const schema = section({
    bucketPrefix,
    authority: certificatePem.exactOptional(),
    regions: section(Object.fromEntries(regionNames.map((name) => [name, region]))),
  });
  refuse(file, problemsOf(schema, raw, nameOf).map(withoutKeys));
  const { regions, ...rest } = raw as {
    bucketPrefix: string;
    authority?: string;
    regions: Record<string, { endpoint: string; accounts: Accounts }>;
  };
  const accounts = Object.entries(regions).map(([name, value]) => [name, value.accounts] as const);
  if (accounts.some(([, all]) => holdsSecret(all))) refuseReaders(file);
  refuse(
    file,
    accounts.flatMap(([name, all]) => unsetVariables(name, all, environment)),
  );
  return {
    settings: {
      "backups.bucketPrefix": rest.bucketPrefix,
      ...(rest.authority !== undefined && { "backups.storageCa": rest.authority }),
      ...Object.fromEntries(
        regionNames.map((name, index) => [
          `regions.${String(index)}.archive`,
          { endpoint: regions[name]?.endpoint },
        ]),
      ),
    },
    accounts: Object.fromEntries(accounts.map(([name, all]) => [name, resolved(all, environment)])),
  };
}

function contentOf(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw usage(file, `cannot be read: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  // The parser's own message quotes the line, which may hold a key.
  if (error !== undefined)
    throw usage(
      file,
      `line ${String(lines.linePos(error.pos[0]).line)} is no YAML (${error.code})`,
    );
  return document.toJS() as unknown;
}

const nameOf = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? "the whole file" : writePath(path);

/** Whatever stands below accounts may be a key in the wrong place. */
const withoutKeys = (finding: Finding): Finding =>
  /\baccounts\b/.test(finding.field) ? { ...finding, value: hidden } : finding;

function refuse(file: string, findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  throw usage(file, `not usable\n\n${findings.map(describe).join("\n\n")}`);
}

const holdsSecret = (accounts: Accounts): boolean =>
  Object.values(accounts).some(({ secretKey }) => typeof secretKey === "string");

function refuseReaders(file: string): void {
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  throw usage(
    file,
    `it holds keys, and others than its owner can read it (mode ${mode.toString(8)}). Fix: chmod 600 ${file}`,
  );
}

function unsetVariables(name: string, accounts: Accounts, environment: Environment): Finding[] {
  return s3AccountNames.flatMap((holder) =>
    Object.entries(accounts[holder]).flatMap(([field, value]) =>
      typeof value === "string" || /^\S+$/.test(environment[value.env] ?? "")
        ? []
        : [
            {
              field: `regions.${name}.accounts.${holder}.${field}`,
              value: `{env: ${value.env}}`,
              allowed: "a variable of the environment that holds a key without spaces",
              fix: `set ${value.env}`,
            },
          ],
    ),
  );
}

function resolved(accounts: Accounts, environment: Environment): S3Accounts {
  const text = (value: Key) => (typeof value === "string" ? value : (environment[value.env] ?? ""));
  const pair = ({ accessKey, secretKey }: Pair): S3Credentials => ({
    accessKey: text(accessKey),
    secretKey: text(secretKey),
  });
  return Object.fromEntries(
    s3AccountNames.map((holder) => [holder, pair(accounts[holder])]),
  ) as unknown as S3Accounts;
}

const usage = (file: string, what: string): Problem =>
  new Problem(`--archive ${file}: ${what}`, exitCode.usage);
