import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { validReleases } from "../../config/parse.ts";
import { releaseFiles } from "../../config/release.ts";
import { readSeals } from "../../config/released.ts";
import { declaredGraph } from "../../rehearsal/graph.ts";
import { GraphView } from "../../rehearsal/graph-view.ts";
import { Problem } from "../../rehearsal/problem.ts";
import { readStackFile } from "../../rehearsal/stack-file.ts";
import { readAccepted, withoutAccepted } from "./accepted.ts";
import {
  brokenSeals,
  brokenWindows,
  missingReleases,
  olderProviders,
  type Packages,
} from "./kept-releases.ts";
import { previousProgram } from "./previous.ts";
import { wayBack, type Finding } from "./way-back.ts";

export interface CheckOptions {
  /** Folder of the program. */
  readonly repository: string;
  /** Tag, branch or commit to go back to. @default as `previousProgram` chooses */
  readonly against?: string;
}

/** What was compared, and what is wrong with the way back. */
export interface CheckResult {
  readonly compared: readonly string[];
  readonly findings: readonly Finding[];
}

/** Where ways back that are given up are written down. */
export const acceptedFile = "rollback/one-way.yaml";

/**
 * Proves, before anything is deployed, that the present program can be taken back: to the program before it, and, within
 * it, from each release that is kept to the one before.
 * @throws Problem with every finding that nobody gave up
 */
export async function checkRollback(options: CheckOptions): Promise<void> {
  const { compared, findings } = await ways(options);
  const accepted = readAccepted(join(options.repository, acceptedFile));
  const { open, given, unused } = withoutAccepted(findings, accepted);
  for (const line of compared) console.log(line);
  for (const { rule, subject } of given) console.log(`given up: ${rule}, ${subject}`);
  for (const { rule, subject } of unused)
    console.log(`${acceptedFile}: "${rule}, ${subject}" is not needed any more; remove it`);
  if (open.length > 0) {
    throw new Problem(
      `${String(open.length)} reasons why this cannot be taken back:\n\n${open.map(describe).join("\n\n")}\n\nWhat has to be one-way goes into ${acceptedFile}, with rule, subject and reason.`,
    );
  }
}

/** Compares all ways back without judging which are given up. */
export async function ways({ repository, against }: CheckOptions): Promise<CheckResult> {
  const releasesFolder = join(repository, "releases");
  const files = releaseFiles(releasesFolder);
  const releases = validReleases(files);
  const seals = files.seals();
  const compared: string[] = [];
  const findings: Finding[] = [...missingReleases(files), ...brokenWindows(releases)];

  const newest = new Map<string, GraphView>();
  for (const stack of stacksOf(repository)) {
    newest.set(stack, await graphOf(repository, stack));
    let later: GraphView | undefined;
    for (const { version } of [...releases].reverse()) {
      const graph = await graphOf(repository, stack, { release: version });
      findings.push(...(await previewed(repository, stack, version, graph)));
      if (later !== undefined) findings.push(...named(wayBack(later, graph), stack));
      later = graph;
    }
    compared.push(`${stack}: ${String(releases.length)} releases, each back to the one before`);
  }

  const previous = await previousProgram(repository, against);
  if (previous === undefined) {
    compared.push(
      "no earlier program: this is the first commit, so there is nothing to go back to",
    );
    findings.push(...brokenSeals(releases, seals, undefined));
    return { compared, findings: distinct(findings) };
  }
  try {
    findings.push(...brokenSeals(releases, seals, readSeals(join(previous.folder, "releases"))));
    findings.push(...olderProviders(packagesOf(repository), packagesOf(previous.folder)));
    for (const [stack, graph] of newest) {
      if (!existsSync(join(previous.folder, `Pulumi.${stack}.yaml`))) {
        compared.push(`${stack}: new since ${previous.name}`);
        continue;
      }
      findings.push(...(await toProgram(previous.folder, stack, graph)));
      compared.push(`${stack}: back to the program of ${previous.name}`);
    }
  } finally {
    await previous.remove();
  }
  return { compared, findings: distinct(findings) };
}

/** A release that is kept has to preview as well, on a stack of which nothing is known yet. */
async function previewed(
  folder: string,
  stack: string,
  release: string,
  known: GraphView,
): Promise<Finding[]> {
  const unknown = await graphOf(folder, stack, { release, unknown: true });
  const names = ({ resources }: GraphView) => resources.map(({ type, name }) => `${type} ${name}`);
  const missing = names(known).filter((name) => !names(unknown).includes(name));
  return missing.map((name) => ({
    rule: "does not render",
    subject: `${stack}: ${release}: ${name}`,
    reason: "a first preview, in which no value is known yet, does not show it",
    fix: "declare it outside of apply()",
  }));
}

async function toProgram(folder: string, stack: string, newer: GraphView): Promise<Finding[]> {
  try {
    return named(wayBack(newer, await graphOf(folder, stack)), stack);
  } catch (error) {
    return [
      {
        rule: "does not render",
        subject: stack,
        reason: `the earlier program fails with the packages installed here: ${error instanceof Error ? error.message : String(error)}`,
        fix: "compare with a program that runs: npm run check:rollback -- --against <tag>",
      },
    ];
  }
}

/** What the program in a folder declares for a stack, with the release of its stack file or another one. */
export async function graphOf(
  folder: string,
  stack: string,
  { release, unknown = false }: { readonly release?: string; readonly unknown?: boolean } = {},
): Promise<GraphView> {
  const { default: program } = (await import(pathToFileURL(join(folder, "index.ts")).href)) as {
    default: (options: object) => unknown;
  };
  const { config, secretKeys } = readStackFile(stack, folder);
  return quietly(
    async () =>
      new GraphView(
        await declaredGraph(() => program({ releasesFolder: join(folder, "releases") }), {
          ...{ stack, secretKeys, unknown },
          config: { ...config, ...(release !== undefined && { "lifeline:release": release }) },
        }),
      ),
  );
}

/** Warnings about example values are for those who deploy them. */
async function quietly<Result>(work: () => Promise<Result>): Promise<Result> {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return await work();
  } finally {
    console.warn = warn;
  }
}

const named = (findings: readonly Finding[], stack: string): Finding[] =>
  findings.map((finding) => ({ ...finding, subject: `${stack}: ${finding.subject}` }));

/** One change shows on several ways. */
function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((it) => [JSON.stringify(it), it])).values()];
}

function stacksOf(folder: string): string[] {
  return readdirSync(folder).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
}

function packagesOf(folder: string): Packages {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    dependencies?: Packages;
  };
  return dependencies;
}

function describe({ rule, subject, reason, fix }: Finding): string {
  return `  ${subject}: ${rule}\n    why: ${reason}\n    fix: ${fix}`;
}
