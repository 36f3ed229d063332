/** Run as a child process, which the Automation API of the engine needs: one run of a program whose gate refuses. */
import { Command } from "@pulumi/command/local/command.js";

import { openEngine } from "../../../rehearsal/engine.ts";
import { startProviders } from "../../../rehearsal/providers/start.ts";
import { tellOfStops } from "../../../rollback/stopped.ts";
import type { Config } from "../../../config.ts";

export interface StoppedRun {
  readonly pulumi: string;
  readonly folder: string;
  readonly analyzerFolder: string;
  readonly policyPacks: readonly string[];
}

const { pulumi, folder, analyzerFolder, policyPacks } = JSON.parse(
  process.argv[2] ?? "",
) as StoppedRun;
const config = {
  release: { version: "v1.1.0" },
  regions: [{ name: "eu-north-1", kubeContext: "none" }],
} as unknown as Config;
const ways = [{ what: "go back to v1.0.0", commands: ["pulumi config set a b", "pulumi up"] }];

const providers = await startProviders({ only: ["command"] });
const engine = await openEngine({
  ...{ pulumi, analyzerFolder, policyPacks, stack: "test", pulumiHome: `${folder}/home` },
  ...{ projectFolder: folder, stateFolder: `${folder}/state` },
  passphraseFile: `${folder}/passphrase`,
  environment: providers.environment,
  signal: new AbortController().signal,
  program: () => {
    new Command(
      "eu-north-1-smoke-outside",
      { create: "echo 'FAILED  https://acme.test/: answered 503 instead of 200'; exit 1" },
      { hooks: tellOfStops("stop", config, ways) },
    );
    return Promise.resolve();
  },
});
const said = await engine
  .up(() => undefined)
  .then(
    () => "",
    (error: unknown) => String(error),
  );
process.stdout.write(JSON.stringify({ said }), () => process.exit(0));
