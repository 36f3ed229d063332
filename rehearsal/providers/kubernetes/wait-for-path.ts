import { isDeepStrictEqual } from "node:util";

/** Everything that a path selects in an object. */
export type Path = (root: unknown) => unknown[];

type Step = (root: unknown, nodes: readonly unknown[]) => unknown[];

/** A comparison or one side of it, given the whole object and the entry that a filter looks at. */
type Operand = (root: unknown, entry: unknown) => unknown;

const member = String.raw`(?:\.[A-Za-z_]\w*|\[\d+\]|\['[^'\\]+'\]|\["[^"\\]+"\])`;
const literal = String.raw`"[^"\\]*"|'[^'\\]*'|-?\d+|true|false|null`;
const operand = String.raw`[@$]${member}*|${literal}`;
const comparison = ` *(?:${operand}) *== *(?:${operand}) *`;
const comparisons = `${comparison}(?:&&${comparison})*`;

/**
 * The part of RFC 9535 that waiting needs: names, indices, and filters of `==` joined by `&&`, whose
 * sides are literals or paths from `@`, the entry, or from `$`, the whole object.
 * Undefined for anything else.
 */
export function parsePath(text: string): Path | undefined {
  const steps: Step[] = [];
  const next = new RegExp(
    String.raw`(${member})|\[\?(?:\((${comparisons})\)|(${comparisons}))\]`,
    "y",
  );
  while (next.lastIndex < text.length) {
    const match = next.exec(text);
    if (match === null) return undefined;
    const [, name, enclosed, plain] = match;
    steps.push(name === undefined ? filter(enclosed ?? plain ?? "") : child(name));
  }
  return (root) =>
    steps.reduce<readonly unknown[]>((nodes, step) => step(root, nodes), [root]).slice();
}

function child(written: string): Step {
  const key = written.replace(/^\.|^\[['"]?|['"]?\]$/g, "");
  return (_, nodes) =>
    nodes.flatMap((node) => {
      const value =
        typeof node === "object" && node !== null ? (Reflect.get(node, key) as unknown) : undefined;
      return value === undefined ? [] : [value];
    });
}

function filter(written: string): Step {
  const pairs = [...written.matchAll(new RegExp(`(${operand}) *== *(${operand})`, "g"))].map(
    ([, left = "", right = ""]) => [side(left), side(right)] as const,
  );
  const passes: Operand = (root, entry) =>
    pairs.every(([left, right]) => isDeepStrictEqual(left(root, entry), right(root, entry)));
  return (root, nodes) =>
    nodes.flatMap((node) => entries(node).filter((entry) => passes(root, entry)));
}

function entries(node: unknown): unknown[] {
  return typeof node === "object" && node !== null ? Object.values(node) : [];
}

function side(written: string): Operand {
  const [, from, path = ""] = /^([@$])(.*)$/s.exec(written) ?? [];
  if (from === undefined) {
    const value: unknown = JSON.parse(written.replace(/^'(.*)'$/s, '"$1"'));
    return () => value;
  }
  const steps = [...path.matchAll(new RegExp(member, "g"))].map(([step]) => child(step));
  return (root, entry) =>
    steps.reduce<readonly unknown[]>(
      (nodes, step) => step(root, nodes),
      [from === "@" ? entry : root],
    )[0];
}
