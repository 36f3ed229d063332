/** Run as a child process, which the Automation API of the engine needs: one run of a program that keeps a record. */
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";

import { releaseRecordType } from "../../../components/lib/release-record-type.ts";
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
    this.registerOutputs({ record });
  }
}

let found: unknown;
const stack = await LocalWorkspace.createOrSelectStack(
  {
    stackName: "local",
    projectName: "lifeline",
    program: async () => {
      found = (await readState()) ?? null;
      const { urn } = new Keeper();
      if (!fails) return { record };
      await new Promise((done) => void urn.apply(done));
      throw new pulumi.RunError("the gate refused");
    },
  },
  {
    workDir: folder,
    pulumiCommand: await PulumiCommand.get({ root }),
    pulumiHome: `${folder}/home`,
    envVars: {
      PULUMI_BACKEND_URL: `file://${folder}/state`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    },
  },
);
let failed = false;
await stack[operation]().catch(() => (failed = true));
process.stdout.write(JSON.stringify({ found, failed }), () => process.exit(0));
