/**
 * Run as a child process: one `up` of the rehearsal's stack with other settings, on regions that may be lost and are not
 * booted for it. A program that throws inside the engine leaves rejections behind that would end a test process. Prints
 * what came of it as JSON.
 */
import { regionsArchive } from "../../../rehearsal/archive.ts";
import { openCertificateAuthority } from "../../../rehearsal/certificate-authority.ts";
import { engineFolder, openProgram } from "../../../rehearsal/go-live.ts";
import type { Ground } from "../../../rehearsal/ground.ts";
import { clusterOf } from "../../../rehearsal/verify.ts";

export interface StackChange {
  readonly ground: Omit<Ground, "archive">;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface StackOutcome {
  readonly seconds: number;
  readonly changes: Readonly<Record<string, number>>;
  /** Why it was refused or failed; undefined when it went through. */
  readonly refusal?: string;
}

const { ground, settings } = JSON.parse(process.argv[2] ?? "") as StackChange;
const clusters = ground.places.map((place) => clusterOf(ground, place.context));
const authority = await openCertificateAuthority(engineFolder, clusters, () => undefined);
const program = await openProgram({
  ground: { ...ground, archive: regionsArchive() },
  signal: new AbortController().signal,
  folder: engineFolder,
  settings,
});
authority.start();
let outcome: StackOutcome;
try {
  const { seconds, changes } = await program.engine.up(() => undefined);
  outcome = { seconds, changes };
} catch (error) {
  const refusal = error instanceof Error ? error.message : String(error);
  outcome = { seconds: 0, changes: {}, refusal };
}
await program.close();
process.stdout.write(JSON.stringify(outcome), () => process.exit(0));
