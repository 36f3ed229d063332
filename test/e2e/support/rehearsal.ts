import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { type Ground, prepareGround } from "../../../rehearsal/ground.ts";
import { cache, engineFolder, kubeconfigFile, runFolder } from "../../../rehearsal/paths.ts";
import { holderOf } from "../../../rehearsal/process-lock.ts";
import { acquireToolchain } from "../../../rehearsal/toolchain/toolchain.ts";
import { type Finished, lifeline } from "./lifeline.ts";
import { TwoDatabases } from "./two-databases.ts";

/** Marks a rehearsal that tests started, and so may break and take down; it goes with the rehearsal. */
const mark = join(runFolder, "of-tests");

/** The stack as it went live, with its databases as tests look at them. */
export interface Rehearsal {
  readonly ground: Ground;
  readonly databases: TwoDatabases;
}

/**
 * The rehearsal that the files of one test run share, live with the settings of the stack file and healthy. It is started
 * where it does not run, and brought back to those settings where a file before left something else.
 * @throws when one runs that the tests did not start
 */
export async function rehearsal(): Promise<Rehearsal> {
  if (!isOfTests()) {
    await clearTheWay();
    const report = mkdtempSync(join(tmpdir(), "lifeline-report-"));
    const { code, output } = await lifeline(["start", "--report", report]);
    if (code !== 0) throw new Error(output);
    claim();
  }
  const ground = await prepareGround(new AbortController().signal);
  const databases = new TwoDatabases(ground);
  try {
    await databases.healthy("a", 30);
  } catch {
    const { refusal } = await databases.change({});
    if (refusal !== undefined) throw new Error(refusal);
    await databases.healthy("a");
  }
  return { ground, databases };
}

/** What its stack file asks for. */
export function running() {
  const file = readFileSync(join(engineFolder, "project", "Pulumi.local.yaml"), "utf8");
  const { config } = parse(file) as { config: Record<string, unknown> };
  const { generations } = config["lifeline:postgres"] as {
    generations: { storage: string; from?: Record<string, string | boolean> }[];
  };
  return { release: String(config["lifeline:release"]), generations };
}

/**
 * Makes sure that no rehearsal runs. In CI, what an ended run left is nobody's; anywhere else it may be somebody's work.
 * @throws when there is one that the tests did not start
 */
export async function clearTheWay(): Promise<void> {
  // Building them takes longer than a command of the tests may.
  await acquireToolchain({ cache, reporter: () => ({ status: () => undefined }) });
  const isFree = holderOf(join(cache, "rehearsal.lock")) === undefined;
  if (isFree && (isOfTests() || process.env["CI"] === "true")) await lifeline(["stop"]);
  if (!isFree || existsSync(kubeconfigFile)) {
    throw new Error(
      `a rehearsal is there already (${runFolder}): these tests would destroy it. Fix: npm run stop`,
    );
  }
}

/** Says that the tests started the rehearsal that is there, if one is. */
export const claim = (): void => {
  if (existsSync(runFolder)) writeFileSync(mark, "");
};

export const isOfTests = (): boolean => existsSync(mark);

/** What a command said, if it failed; empty when it did not. */
export const failureOf = ({ code, output }: Finished): string =>
  code === 0 ? "" : `exit code ${String(code)}:\n${output}`;
