import type { DataTarget } from "./change.ts";
import { quoted } from "./shell.ts";
import { nextPatch } from "./version.ts";

/** A name in the archive of one data generation. */
export interface RestorePoint {
  readonly name: string;
  /** The one that served when it was taken. */
  readonly generation: number;
}

/** The exact commands of each way out; a person at night copies them. */
export const commands = {
  deploy: (stack: string, release: string, settings: readonly string[] = []): string[] => [
    toRelease(stack, release),
    ...settings,
    up(stack),
  ],

  /** The same release again, with settings that were changed back. */
  again: (stack: string, settings: readonly string[] = []): string[] => [...settings, up(stack)],

  /** Back together with the data, to the restore point before a release. */
  restore: (stack: string, release: string, point: RestorePoint, data: DataTarget): string[] => {
    const entry = entryOf(data.generation + 1);
    return [
      toRelease(stack, release),
      set(stack, `${entry}.storage`, data.storage),
      set(stack, `${entry}.from.point`, point.name),
      ...(point.generation === data.generation
        ? []
        : [set(stack, `${entry}.from.generation`, String(point.generation))]),
      ...commands.accept(stack, release, point.name),
    ];
  },

  /** The last generation, made of the archive that has the point. */
  ofGeneration: (
    stack: string,
    release: string,
    point: RestorePoint,
    { generation }: DataTarget,
  ): string[] => [
    set(stack, `${entryOf(generation)}.from.generation`, String(point.generation)),
    ...commands.accept(stack, release, point.name),
  ],

  /** Forward to the data of an earlier generation, behind all that were made. */
  continueFrom: (
    stack: string,
    release: string,
    serving: number,
    { generation, storage }: DataTarget,
  ): string[] => {
    const entry = entryOf(serving + 1);
    return [
      set(stack, `${entry}.storage`, storage),
      set(stack, `${entry}.from.generation`, String(generation)),
      set(stack, `${entry}.from.latest`, "true"),
      ...commands.accept(stack, release, `generation ${String(generation + 1)}`),
    ];
  },

  /** To see what a stack file said before. */
  history: (stack: string): string[] => [`git log -p ${quoted(`Pulumi.${stack}.yaml`)}`],

  /** As if the last generation had never been asked for. */
  withoutRestore: (stack: string, release: string, { generation }: DataTarget): string[] => [
    unset(stack, entryOf(generation)),
    ...commands.deploy(stack, release),
  ],

  /** The last generation, made of something else. */
  source: (stack: string, release: string, { generation }: DataTarget): string[] => [
    unset(stack, `${entryOf(generation)}.from`),
    set(stack, `${entryOf(generation)}.from.point`, "<point>"),
    ...commands.accept(stack, release, "<point>"),
  ],

  accept: (stack: string, release: string, loss: string): string[] => [
    say(stack, "release", release),
    say(stack, "acceptLoss", loss),
    up(stack),
  ],

  /** Before its pods are gone. */
  keep: (stack: string): string => `npm run release -- keep --stack ${quoted(stack)}`,

  retry: (stack: string, release: string): string[] => [
    say(stack, "release", release),
    say(stack, "allowRetry", "<what is different now>"),
    up(stack),
  ],

  /** @param taken versions that there are, or were */
  repair: (stack: string, release: string, taken: readonly string[]): string[] => {
    const version = nextPatch(release, taken);
    return [
      `npm run release -- new ${version} --from ${quoted(release)} --image ${quoted("<part>=<repository>@sha256:<digest>")}`,
      ...commands.deploy(stack, version),
    ];
  },
} as const;

/** One value of a stack file by its path; a text is said to be one where it looks like something else. */
export function set(stack: string, path: string, value: string, isText = false): string {
  const [key, to] = [`--path ${quoted(path)}`, `--stack ${quoted(stack)}`];
  const told = `pulumi config set ${key}${isText ? " --type string" : ""}`;
  // What follows two dashes is no option any more.
  return value.startsWith("-")
    ? `${told} ${to} -- ${quoted(value)}`
    : `${told} ${quoted(value)} ${to}`;
}

export const unset = (stack: string, path: string): string =>
  `pulumi config rm --path ${quoted(path)} --stack ${quoted(stack)}`;

const toRelease = (stack: string, release: string): string =>
  `pulumi config set lifeline:release ${quoted(release)} --stack ${quoted(stack)}`;

const entryOf = (generation: number): string =>
  `lifeline:postgres.generations[${String(generation - 1)}]`;

const up = (stack: string): string => `pulumi up --stack ${quoted(stack)}`;

const say = (stack: string, key: string, value: string): string =>
  set(stack, `lifeline:change.${key}`, value);
