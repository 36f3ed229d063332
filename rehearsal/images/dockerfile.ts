import { Problem } from "../problem.ts";

/** Every instruction this builder understands; `docker build` understands the same files. */
export const supported = [
  "FROM",
  "ARG",
  "ENV",
  "RUN",
  "COPY",
  "USER",
  "WORKDIR",
  "ENTRYPOINT",
  "CMD",
  "EXPOSE",
  "STOPSIGNAL",
  "LABEL",
] as const;

export type Keyword = (typeof supported)[number];

export interface Instruction {
  readonly keyword: Keyword;
  /** `--name=value` options before the arguments; only COPY takes any. */
  readonly flags: ReadonlyMap<string, string>;
  readonly text: string;
  /** `file:line` of its first line, for messages. */
  readonly place: string;
}

/**
 * Splits a Dockerfile into instructions: joins continued lines, drops comments.
 * @throws Problem naming file and line of the first thing that is not supported
 */
export function parseDockerfile(source: string, file: string): Instruction[] {
  return logicalLines(source).map(({ text, line }) =>
    parseInstruction(text, `${file}:${String(line)}`),
  );
}

function logicalLines(source: string): { text: string; line: number }[] {
  const lines: { text: string; line: number }[] = [];
  let open: { text: string; line: number } | undefined;
  for (const [index, raw] of source.split("\n").entries()) {
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    const continued = content.endsWith("\\");
    const part = continued ? content.slice(0, -1).trimEnd() : content;
    open = open ? { ...open, text: `${open.text} ${part}` } : { text: part, line: index + 1 };
    if (continued) continue;
    lines.push(open);
    open = undefined;
  }
  return open ? [...lines, open] : lines;
}

function parseInstruction(line: string, place: string): Instruction {
  const [, word = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
  const keyword = supported.find((known) => known === word.toUpperCase());
  if (keyword === undefined)
    throw new Problem(`${place}: ${word} is not supported; supported are ${supported.join(", ")}`);
  const { flags, text } = takeFlags(rest);
  for (const flag of flags.keys())
    if (keyword !== "COPY" || !["chown", "chmod"].includes(flag))
      throw new Problem(
        `${place}: ${keyword} --${flag} is not supported; supported options are COPY --chown=UID:GID and --chmod=OCTAL`,
      );
  if (text === "") throw new Problem(`${place}: ${keyword} needs an argument`);
  if (/<<-?\s*["']?[A-Za-z_]/.test(text) && (keyword === "RUN" || keyword === "COPY"))
    throw new Problem(
      `${place}: here-documents are not supported; put the text into a file and COPY it`,
    );
  return { keyword, flags, text, place };
}

function takeFlags(rest: string): { flags: Map<string, string>; text: string } {
  const flags = new Map<string, string>();
  let text = rest;
  for (let match = flagAt(text); match !== null; match = flagAt(text)) {
    flags.set(match[1] ?? "", match[2] ?? "");
    text = text.slice(match[0].length);
  }
  return { flags, text: text.trim() };
}

const flagAt = (text: string): RegExpExecArray | null => /^--([a-z-]+)(?:=(\S*))?\s*/.exec(text);

/** Reads the JSON form of ENTRYPOINT and CMD: the shell form would hide the process from signals. */
export function parseJsonForm({ keyword, text, place }: Instruction): string[] {
  try {
    const words: unknown = JSON.parse(text);
    if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  } catch {
    // Not JSON: refused below like any other form.
  }
  throw new Problem(
    `${place}: ${keyword} must be a JSON list such as ["program", "argument"], got ${text}`,
  );
}

/**
 * Puts values into `$NAME` and `${NAME}`.
 * @throws Problem when a name has no value: an empty path or image name would be worse
 */
export function substitute(
  text: string,
  values: ReadonlyMap<string, string>,
  place: string,
): string {
  return text.replace(
    /\$(?:\{([^}]*)\}|([A-Za-z_]\w*))/g,
    (whole, braced?: string, plain?: string) => {
      const name = braced ?? plain ?? "";
      const value = values.get(name);
      if (value === undefined)
        throw new Problem(
          `${place}: ${whole} has no value; only names set by ARG or ENV above, as $NAME or \${NAME}`,
        );
      return value;
    },
  );
}

/** Splits `NAME=value NAME2="a b"` of ENV, LABEL and ARG; a name without `=` has no value. */
export function parsePairs(text: string, place: string): Map<string, string | undefined> {
  const pairs = new Map<string, string | undefined>();
  for (const word of text.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? []) {
    const [, name, value] = /^([A-Za-z_][\w.-]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) throw new Problem(`${place}: expected NAME=value, got ${word}`);
    pairs.set(name, value?.replaceAll(/["']/g, ""));
  }
  return pairs;
}
