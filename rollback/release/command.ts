import { parseArgs } from "node:util";

import { engineFolder, repository } from "../../rehearsal/paths.ts";
import { exitCode, Problem } from "../../rehearsal/problem.ts";
import { showHistory } from "./history.ts";
import { listReleases } from "./list.ts";
import { newRelease, sealRelease } from "./new.ts";
import { planRelease } from "./plan.ts";
import { readRehearsal, readStack, type KnownStack } from "./stack-state.ts";

const usage = `Usage: npm run release -- <what>

  new VERSION [--from VERSION]          a release file like another one, with what is different:
      --image PART=REPOSITORY@sha256:DIGEST  backend, frontend or migrations; PART=REPOSITORY:TAG is resolved by its registry
      --config PART.NAME=VALUE               an environment variable; without =VALUE it is removed
      --feature NAME=on|off  --secret app=VERSION
      --schema MIN..MAX --target NUMBER      where the migrations changed; --breaking REASON if the release before
                                             cannot run on the target
  seal VERSION                          from now on its file may not change; new does it by itself
  list [--stack NAME]... [--json]       each release: where and when deployed, the level of going there now, denied or not
  history [--stack NAME]... [--json]    each deployment: number, when, who, from, to, type, how it ended, emergency and reason
  plan VERSION --stack NAME [--seen NAME=VALUE]...   what going there would be, and whether one should
  keep --stack NAME [--report DIR]      before going back: logs, events, pods and record of what runs, below DIR/kept
  review --stack NAME [--report DIR] [--json]
                                        after it: times against what is promised, the runbook's checks in both regions,
                                        what is left for people, and what to tell them

  --rehearsal   the stack and the releases of a running rehearsal, in place of --stack
  --state FILE  in place of asking the engine: the output of pulumi stack export`;

/** `npm run release`: makes and seals releases, and tells what can be gone back to. @throws Problem for bad arguments */
export async function releaseCommand(args: readonly string[]): Promise<void> {
  const { positionals, values } = parsed(args);
  const [what, version, ...more] = positionals;
  const { rehearsal: isRehearsal = false, ...options } = values;
  const rest = {
    folder: repository,
    ...options,
    ...(isRehearsal && { folder: engineFolder, rehearsal: readRehearsal(engineFolder) }),
  };
  if (more.length === 0) {
    if (what === "new" && version !== undefined) return newRelease({ ...rest, version });
    if (what === "seal" && version !== undefined) return sealRelease(repository, version);
    if (what === "list" && version === undefined) return listReleases(rest);
    if (what === "history" && version === undefined) return showHistory(rest);
    const [stack] = isRehearsal ? ["local"] : (values.stack ?? []);
    if (what === "plan" && version !== undefined && stack !== undefined)
      return planRelease({ ...rest, version, stack });
    if ((what === "keep" || what === "review") && version === undefined && stack !== undefined)
      return lookAt(what, stack, { ...rest, isRehearsal });
  }
  throw new Problem(usage, exitCode.usage);
}

async function lookAt(
  what: "keep" | "review",
  stack: string,
  { folder, state, rehearsal, isRehearsal, report = "report", json = false }: LookOptions,
): Promise<void> {
  const known = rehearsal ?? (await readStack(folder, stack, state));
  const options = { folder, known, isRehearsal, report };
  if (what === "keep") {
    const { keepRelease } = await import("./keep.ts");
    return keepRelease({ ...options, kubectl: "kubectl" });
  }
  const [{ kubectlFor, reviewRelease }, { rehearsedRuns, runsOf }] = await Promise.all([
    import("./review.ts"),
    import("./runs.ts"),
  ]);
  const kubectl = await kubectlFor(isRehearsal);
  const ask = isRehearsal
    ? () => Promise.resolve(rehearsedRuns(folder))
    : () => runsOf(folder, stack);
  return reviewRelease({ ...options, kubectl, json, runs: state === undefined ? ask : undefined });
}

interface LookOptions {
  readonly folder: string;
  readonly isRehearsal: boolean;
  readonly rehearsal?: KnownStack;
  readonly state?: string;
  readonly report?: string;
  readonly json?: boolean;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        from: { type: "string" },
        image: { type: "string", multiple: true },
        config: { type: "string", multiple: true },
        feature: { type: "string", multiple: true },
        secret: { type: "string", multiple: true },
        schema: { type: "string" },
        target: { type: "string" },
        breaking: { type: "string" },
        stack: { type: "string", multiple: true },
        rehearsal: { type: "boolean" },
        state: { type: "string" },
        seen: { type: "string", multiple: true },
        report: { type: "string" },
        json: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new Problem(
      `${error instanceof Error ? error.message : String(error)}\n\n${usage}`,
      exitCode.usage,
    );
  }
}
