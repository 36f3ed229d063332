/**
 * Run as a child process: one update, on the real engine, of a product that is reduced to what a lost region is about. A
 * program that fails inside the engine leaves rejections behind that would end a test process. Prints what came of it.
 */
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import type * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace } from "@pulumi/pulumi/automation/index.js";
import { Access } from "../../../components/access.ts";
import { releaseRecordObject } from "../../../components/lib/release-record-type.ts";
import { Migration } from "../../../components/migration.ts";
import { RegionProviders } from "../../../components/region-providers.ts";
import { SmokeGate } from "../../../components/smoke-gate.ts";
import type { Config } from "../../../config.ts";
import { retryJobs } from "../../../rollback/stopped.ts";
import { migrationArgs, smokeGateArgs } from "../../support/args.ts";

export interface TwoRegionsRun {
  readonly regions: readonly RunRegion[];
  readonly release: string;
  /** Declares one object more in each region. */
  readonly hasAddition: boolean;
  /** Secret that the workloads' accounts pull images with: a change that takes an administrator. */
  readonly pullSecret?: string;
  /** Declares a migration, whose Job is kept when it is replaced. */
  readonly hasMigration: boolean;
  /** URNs that the engine leaves alone. */
  readonly exclude: readonly string[];
  /** Folder of the state. */
  readonly folder: string;
  readonly environment: Record<string, string>;
}

export interface RunRegion {
  /** The namespace as well: one API serves all regions. */
  readonly region: string;
  readonly role: "primary" | "standby";
  readonly kubeconfig: string;
  /** File to which the outside gate writes the release that it was asked for. */
  readonly askedFile: string;
}

const run = JSON.parse(process.argv[2] ?? "") as TwoRegionsRun;

const hooksOf = () =>
  retryJobs({
    regions: run.regions.map(({ region }) => ({ name: region, kubeContext: "test" })),
    kubeconfig: run.regions[0]?.kubeconfig,
  } as unknown as Config);

/** Of each sort one: an object that keeps its name, one named by its release, and the gates. */
function declareRegion(
  { region, role, kubeconfig, askedFile }: RunRegion,
  hooks: pulumi.ResourceHookBinding,
): void {
  const { release, hasAddition, pullSecret } = run;
  const scope = { product: "test", namespace: region };
  const { cluster: provider } = new RegionProviders(`${region}-providers`, {
    ...{ region, role, kubeconfig, kubeContext: "test", clusterIdentifier: region },
  });
  const access = new Access(
    `${region}-access`,
    { scope, secrets: "generated", ...(pullSecret !== undefined && { pullSecret }) },
    { provider },
  );
  const config = (logicalName: string, name: string) =>
    new ConfigMap(
      `${region}-${logicalName}`,
      { metadata: { name, namespace: region }, data: { release } },
      { provider },
    );
  // What a deployer may change is known by its name.
  config("kept", releaseRecordObject);
  config("renamed", `renamed-${release}`);
  if (hasAddition) config("added", "added");
  if (run.hasMigration) {
    new Migration(
      `${region}-migration`,
      { ...migrationArgs, scope, deadlineSeconds: 60 },
      { provider, dependsOn: [access], hooks },
    );
  }
  new SmokeGate(
    `${region}-smoke`,
    {
      ...smokeGateArgs,
      scope,
      release: { ...smokeGateArgs.release, version: release },
      contentHash: release,
    },
    { provider, dependsOn: [access], transformations: [withoutGateway(askedFile)] },
  );
}

/** There is no Gateway to ask: only for which release it would be asked is looked at. */
function withoutGateway(askedFile: string): pulumi.ResourceTransformation {
  return ({ type, props, opts }) =>
    type === "command:local:Command"
      ? { props: { ...props, create: `echo "$GATE_RELEASE" >>${askedFile}` }, opts }
      : undefined;
}

try {
  const stack = await LocalWorkspace.createOrSelectStack(
    {
      stackName: "test",
      projectName: "lifeline",
      program: () => {
        const hooks = hooksOf();
        for (const region of run.regions) declareRegion(region, hooks);
        return Promise.resolve();
      },
    },
    {
      projectSettings: {
        name: "lifeline",
        runtime: "nodejs",
        backend: { url: `file://${run.folder}` },
      },
      envVars: run.environment,
    },
  );
  await stack.up({ exclude: [...run.exclude] });
} catch (error) {
  process.stdout.write(error instanceof Error ? error.message : String(error));
}
process.stdout.write("\n", () => process.exit(0));
