/**
 * Run as a child process: one `up` of the rehearsal's stack with other settings, on regions that may be lost and are not
 * booted for it. A program that throws inside the engine leaves rejections behind that would end a test process. Prints
 * what came of it as JSON.
 */
import { execFileSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { regionsArchive } from "../../../rehearsal/archive.ts";
import { openCertificateAuthority } from "../../../rehearsal/certificate-authority.ts";
import { openProgram } from "../../../rehearsal/go-live.ts";
import { type Ground, pulumiHome } from "../../../rehearsal/ground.ts";
import { engineFolder } from "../../../rehearsal/paths.ts";
import { passphraseFile } from "../../../rehearsal/rehearsal-secrets.ts";
import { clusterOf } from "../../../rehearsal/verify.ts";

export interface StackChange {
  readonly ground: Omit<Ground, "archive">;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Release files beside the clone's, by version. */
  readonly releases?: Readonly<Record<string, string>>;
  /** What somebody types in the project's folder before the update. */
  readonly typed?: string;
  /** Whether a preview that reads everything back follows the update. */
  readonly looksForDrift?: boolean;
}

export interface StackOutcome {
  readonly seconds: number;
  readonly changes: Readonly<Record<string, number>>;
  /** What that preview finds to do. */
  readonly drift?: Readonly<Record<string, number>>;
  /** Why it was refused or failed; undefined when it went through. */
  readonly refusal?: string;
}

const { ground, settings, releases, typed, looksForDrift } = JSON.parse(
  process.argv[2] ?? "",
) as StackChange;
const clusters = ground.places.map((place) => clusterOf(ground, place.context));
const authority = await openCertificateAuthority(engineFolder, clusters, () => undefined);
const program = await openProgram({
  ground: { ...ground, archive: regionsArchive() },
  signal: new AbortController().signal,
  folder: engineFolder,
  settings,
  ...(releases !== undefined && { releases }),
  // The pack has judged the program when it went live, which need not be paid for in each of dozens of changes.
  isJudged: false,
});
authority.start();
let outcome: StackOutcome;
try {
  if (typed !== undefined) type(typed);
  const { seconds, changes } = await program.engine.up(() => undefined);
  outcome = { seconds, changes };
  if (looksForDrift) outcome = { ...outcome, drift: (await program.engine.drift()).changes };
} catch (error) {
  const refusal = error instanceof Error ? error.message : String(error);
  outcome = { seconds: 0, changes: {}, refusal };
}
await program.close();
process.stdout.write(JSON.stringify(outcome), () => process.exit(0));

/** With the real command, on the files and the state that the engine has. */
function type(line: string): void {
  execFileSync("bash", ["-ec", line], {
    cwd: program.stack.projectFolder,
    stdio: ["ignore", 2, 2],
    env: {
      ...process.env,
      PATH: [dirname(ground.pulumi), process.env["PATH"] ?? ""].join(delimiter),
      PULUMI_HOME: pulumiHome,
      PULUMI_BACKEND_URL: `file://${join(engineFolder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    },
  });
}
