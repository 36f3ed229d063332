/** Run as a child process, which the Automation API of the engine needs: one run of a program that keeps a record. */
import { Command } from "@pulumi/command/local/command.js";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";

import { releaseRecordType } from "../../../components/lib/release-record-type.ts";
import { startProviders } from "../../../rehearsal/providers/start.ts";
import { whenFinished } from "../../../rollback/finished.ts";
import { readState } from "../../../rollback/state.ts";

export interface RecordRun {
  readonly root: string;
  readonly folder: string;
  readonly operation: "up" | "preview";
  /** Record that this run keeps. */
  readonly record: string;
  /** Fails after it was kept. */
  readonly fails: boolean;
}

const { root, folder, operation, record, fails } = JSON.parse(process.argv[2] ?? "") as RecordRun;

class Keeper extends pulumi.ComponentResource {
  constructor() {
    super(releaseRecordType, "it", {});
    // What stands for the ConfigMap of the real one: whatever comes after the record waits until it is made.
    new Command("it", { create: "true" }, { parent: this });
    this.registerOutputs({ record });
  }
}

const providers = await startProviders({ only: ["command"] });
let found: unknown;
const stack = await LocalWorkspace.createOrSelectStack(
  {
    stackName: "local",
    projectName: "lifeline",
    program: async () => {
      const finished = whenFinished();
      found = (await readState()) ?? null;
      const keeper = new Keeper();
      if (fails) new Command("gate", { create: "exit 1" }, { dependsOn: [keeper] });
      return { record: finished(record) };
    },
  },
  {
    workDir: folder,
    pulumiCommand: await PulumiCommand.get({ root }),
    pulumiHome: `${folder}/home`,
    envVars: {
      ...providers.environment,
      PULUMI_BACKEND_URL: `file://${folder}/state`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    },
  },
);
let failed = false;
await stack[operation]().catch(() => (failed = true));
process.stdout.write(JSON.stringify({ found, failed }), () => process.exit(0));
