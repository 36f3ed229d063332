import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { run } from "../../rehearsal/command.ts";
import { exitCode, Problem } from "../../rehearsal/problem.ts";

/** The program that would be run to go back, as files. */
export interface PreviousProgram {
  /** How it was chosen, for the reader. */
  readonly name: string;
  readonly folder: string;
  readonly remove: () => Promise<void>;
}

/**
 * The program before the present one, checked out beside it with the same installed packages: where the branch left the
 * main one; else the last tag; else, with changes that are not committed, the last commit; else the commit before.
 * Undefined when the repository has no other: its first commit is the present one, or still to come.
 * @throws Problem when `against` is no commit, and where the history is not there to choose from
 */
export async function previousProgram(
  repository: string,
  against?: string,
): Promise<PreviousProgram | undefined> {
  const git = async (...args: string[]): Promise<string | undefined> => {
    // Without a question for a password that nobody would answer.
    const environment = { GIT_TERMINAL_PROMPT: "0" };
    const { code, stdout } = await run("git", ["-C", repository, ...args], { environment });
    return code === 0 ? stdout.trim() : undefined;
  };
  await needHistory(repository, git, against);
  const chosen = against === undefined ? await choose(git) : { name: against, ref: against };
  if (chosen === undefined) return undefined;
  const commit = await git("rev-parse", "--verify", "--quiet", `${chosen.ref}^{commit}`);
  if (commit === undefined) {
    throw new Problem(
      `--against: "${chosen.ref}" is no commit of this clone. Fix: name a tag, a branch or a commit; a shallow clone needs git fetch --unshallow.`,
      exitCode.usage,
    );
  }
  const home = mkdtempSync(join(tmpdir(), "lifeline-previous-"));
  const folder = join(home, "program");
  const { code, lines } = await run("git", [
    ...["-C", repository, "worktree", "add", "--quiet", "--detach", folder, commit],
  ]);
  if (code !== 0) throw new Problem(`git worktree add: ${lines.join("\n")}`);
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  return {
    name: `${chosen.name} (${commit.slice(0, 10)})`,
    folder,
    remove: async () => {
      await git("worktree", "remove", "--force", folder);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

type Git = (...args: string[]) => Promise<string | undefined>;

/** A history that is cut off looks like one that begins there: the rest is fetched, or the check is refused. */
async function needHistory(repository: string, git: Git, against?: string): Promise<void> {
  const ask = () => git("rev-parse", "--is-shallow-repository");
  const isShallow = await ask();
  if (isShallow === undefined) {
    throw new Problem(
      `check:rollback: ${repository} is no git repository, so the program before this one is not known. Fix: run it in a clone.`,
      exitCode.cannotRun,
    );
  }
  if (isShallow !== "true" || against !== undefined) return;
  await git("fetch", "--quiet", "--unshallow");
  if ((await ask()) === "true") {
    throw new Problem(
      "check:rollback: this clone is shallow, so the program before this one is not known, and the rest of its history cannot be fetched. Fix: git fetch --unshallow, in CI a checkout of the whole history; or name a commit that it has: npm run check:rollback -- --against <commit>",
      exitCode.cannotRun,
    );
  }
}

async function choose(git: Git): Promise<{ name: string; ref: string } | undefined> {
  const head = await git("rev-parse", "--verify", "--quiet", "HEAD");
  if (head === undefined) return undefined;
  for (const main of ["origin/HEAD", "origin/main", "origin/master", "main", "master"]) {
    const base = await git("merge-base", "HEAD", main);
    if (base !== undefined && base !== head) return { name: `where it left ${main}`, ref: base };
  }
  const isDirty = (await git("status", "--porcelain", "--untracked-files=no")) !== "";
  const tag = await git("describe", "--tags", "--abbrev=0", isDirty ? "HEAD" : "HEAD^");
  if (tag !== undefined) return { name: `the last tag, ${tag}`, ref: tag };
  if (isDirty) return { name: "the last commit", ref: head };
  const parent = await git("rev-parse", "--verify", "--quiet", "HEAD^");
  return parent === undefined ? undefined : { name: "the commit before", ref: parent };
}
