import { parseArgs } from "node:util";
import { parse } from "yaml";

import { quoted, wordsOf } from "../rollback/shell.ts";

/** Settings that one option can name. */
const settable = /^lifeline:([\w.[\]]+)$/;

const looksAtStack = /(npm run release -- keep) --stack \S+/;

/**
 * Says what a stack is told with `pulumi config set` and `pulumi up` as a rehearsal is told it: each start writes its stack
 * file anew, with what stands on its own command line.
 * @param given settings of the start that was refused
 */
export function asRehearsalCommands(
  text: string,
  given: Readonly<Record<string, unknown>> = {},
): string {
  let settings = new Map(Object.entries(given));
  return text
    .split("\n")
    .flatMap(oneByOne)
    .flatMap((line) => {
      const command = commandIn(line);
      if (command === undefined) return [line.replace(looksAtStack, "$1 --rehearsal")];
      const { verb, setting = "" } = command;
      if (verb === "set") settings.set(setting, command.value);
      if (verb === "rm") settings = without(settings, setting);
      if (verb !== "up") return [];
      const [indentation = ""] = /^\s*/.exec(line) ?? [];
      const options = [...settings].map(
        ([name, value]) => ` --set ${quoted(`${name}=${written(value)}`)}`,
      );
      settings = new Map(Object.entries(given));
      return [`${indentation}npm start --${options.join("")}`];
    })
    .join("\n");
}

interface Command {
  readonly verb: "set" | "rm" | "up";
  readonly setting?: string;
  /** As YAML. */
  readonly value?: string;
}

/** What a line does to a stack file or a stack; undefined where no option says the same. */
function commandIn(line: string): Command | undefined {
  const [program, ...args] = wordsOf(line);
  if (program !== "pulumi") return undefined;
  const { positionals, values } = parseArgs({
    ...{ args, allowPositionals: true, strict: false },
    options: { path: { type: "boolean" }, stack: { type: "string" }, type: { type: "string" } },
  });
  // A line that only begins like a command is somebody's sentence.
  if (typeof values.stack !== "string") return undefined;
  const [first, verb, key = "", value = "", ...more] = positionals;
  if (first === "up") return verb === undefined ? { verb: "up" } : undefined;
  const [, setting] = settable.exec(key) ?? [];
  if (first !== "config" || setting === undefined || more.length > 0) return undefined;
  if (verb === "rm") return { verb, setting };
  return verb === "set" ? { verb, setting, value: asYaml(value, values.type) } : undefined;
}

/** As `pulumi config set` takes it: a text, unless it looks like a number or a truth value and nobody says otherwise. */
function asYaml(text: string, type: unknown): string {
  const isOther = /^(true|false|[-+.\d][\d.eE+-]*)$/.test(text) && type !== "string";
  return isOther || parse(text) === text ? text : JSON.stringify(text);
}

/** The settings without one of them, be it a part of another. */
function without(settings: ReadonlyMap<string, unknown>, path: string): Map<string, unknown> {
  const [, list, index] = /^(.*)\[(\d+)\]$/.exec(path) ?? [];
  const left = [...settings].filter(
    ([name]) => name !== path && !name.startsWith(`${path}.`) && !name.startsWith(`${path}[`),
  );
  return new Map(
    left.map(([name, value]) => [
      name,
      name === list && Array.isArray(value) ? value.toSpliced(Number(index), 1) : value,
    ]),
  );
}

/** Commands that were joined to one line, a line each. */
function oneByOne(line: string): string[] {
  const [indentation = ""] = /^\s*/.exec(line) ?? [];
  const [first = "", ...more] = line.split(/ && (?=pulumi )/);
  return [first, ...more.map((command) => `${indentation}${command}`)];
}

/** As YAML that fits into one option. */
const written = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);
