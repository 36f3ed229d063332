import type { Config } from "./schema.ts";
import { writePath } from "./issues.ts";
import { ConfigError, printable, type Problem } from "./problems.ts";
import { withoutSecrets } from "./redaction.ts";

/** Names, numbers and networks that are reserved for examples: no real stack can work with them. */
const reserved = /example|111122223333|\b(192\.0\.2|198\.51\.100|203\.0\.113)\.\d/i;

/** Every value that a team still has to replace by its own, as marked by `# FILL IN` in the files. */
export function exampleValues(config: Config): Problem[] {
  const { release, ...settings } = config;
  return [
    ...find(settings, []).map(([path, value]) => problem(`lifeline:${writePath(path)}`, value)),
    ...find(release, []).map(([path, value]) =>
      problem(`releases/${release.version}.yaml: ${writePath(path)}`, value),
    ),
  ];
}

export interface ExampleOptions {
  readonly stack: string;
  readonly dryRun: boolean;
  /** Keys whose values are not shown. */
  readonly secretKeys: ReadonlySet<string>;
}

/**
 * The example values, for the caller to warn about. Outside a preview they are refused: the
 * program would otherwise deploy to, or ask for the name of, somebody else.
 * @throws ConfigError listing all of them
 */
export function refuseExampleValues(
  config: Config,
  { stack, dryRun, secretKeys }: ExampleOptions,
): Problem[] {
  const examples = withoutSecrets(exampleValues(config), config, secretKeys);
  if (examples.length > 0 && !dryRun) throw new ConfigError(stack, examples);
  return examples;
}

function find(value: unknown, path: readonly PropertyKey[]): [readonly PropertyKey[], string][] {
  if (typeof value === "string") return reserved.test(value) ? [[path, value]] : [];
  if (Array.isArray(value)) return value.flatMap((entry, index) => find(entry, [...path, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) => find(entry, [...path, key]));
}

function problem(field: string, value: string): Problem {
  return {
    field,
    value: printable(value),
    allowed: "your own value; this one is reserved for examples",
    fix: "replace it; the comment `# FILL IN` on its line says by what",
  };
}
