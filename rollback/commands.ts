import type { DataTarget } from "./change.ts";
import { nextPatch } from "./version.ts";

/** The exact commands of each way out; a person at night copies them. */
export const commands = {
  deploy: (stack: string, release: string): string[] => [
    `pulumi config set lifeline:release ${release} --stack ${stack}`,
    up(stack),
  ],

  /** Back together with the data, to the restore point before a release. */
  restore: (stack: string, release: string, point: string, data: DataTarget): string[] => {
    const entry = `lifeline:postgres.generations[${String(data.generation)}]`;
    return [
      `pulumi config set lifeline:release ${release} --stack ${stack}`,
      `pulumi config set --path '${entry}.storage' ${data.storage} --stack ${stack}`,
      `pulumi config set --path '${entry}.from.point' ${point} --stack ${stack}`,
      ...commands.accept(stack, release, point),
    ];
  },

  accept: (stack: string, release: string, loss: string): string[] => [
    say(stack, "release", release),
    say(stack, "acceptLoss", loss),
    up(stack),
  ],

  retry: (stack: string, release: string): string[] => [
    say(stack, "release", release),
    say(stack, "allowRetry", "'<what is different now>'"),
    up(stack),
  ],

  repair: (stack: string, release: string): string[] => [
    `npm run release -- new ${nextPatch(release)} --from ${release} --image <part>=<repository>@sha256:<digest>`,
    ...commands.deploy(stack, nextPatch(release)),
  ],
} as const;

const up = (stack: string): string => `pulumi up --stack ${stack}`;

const say = (stack: string, key: string, value: string): string =>
  `pulumi config set --path lifeline:change.${key} ${value} --stack ${stack}`;
