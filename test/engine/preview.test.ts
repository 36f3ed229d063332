import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { parse, stringify } from "yaml";
import { run } from "../../rehearsal/command.ts";
import { cache, repository } from "../../rehearsal/paths.ts";
import { type Providers, startProviders } from "../../rehearsal/providers/start.ts";
import { acquireToolchain } from "../../rehearsal/toolchain/toolchain.ts";
import { ControlPlane } from "./support/control-plane.ts";
import type { EngineOutcome, EngineRun } from "./support/run-engine.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const folder = mkdtempSync(join(tmpdir(), "lifeline-preview-"));
const nothing = () => undefined;
let plane: ControlPlane;
let providers: Providers;
let pulumi = "";

beforeAll(async () => {
  const { bin, crds } = await acquireToolchain({ cache, reporter: () => ({ status: nothing }) });
  pulumi = bin.pulumi;
  plane = await ControlPlane.start(bin);
  plane.kubectl("apply", "--server-side", "-f", crds);
  providers = await startProviders();
  writeFileSync(join(folder, "passphrase"), "test");
});
afterAll(async () => {
  await providers.stop();
  await plane.stop();
  rmSync(folder, { recursive: true });
});

interface Attempt extends EngineOutcome {
  /** Resources in the state afterwards. */
  readonly resources: number;
}

/** Runs a stack of the repository on the real engine, its contexts all leading to the test's API server. */
async function attempt(
  { operation, program }: Pick<EngineRun, "operation" | "program">,
  stack: string,
  change: (config: Record<string, unknown>) => void = nothing,
): Promise<Attempt> {
  const home = mkdtempSync(join(folder, `${stack}-`));
  const projectFolder = join(home, "project");
  const stateFolder = join(home, "state");
  mkdirSync(projectFolder);
  cpSync(join(repository, "Pulumi.yaml"), join(projectFolder, "Pulumi.yaml"));
  const { config } = parse(readFileSync(join(repository, `Pulumi.${stack}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  config["lifeline:kubeconfig"] = kubeconfigFor(
    home,
    config["lifeline:regions"] as { kubeContext: string }[],
  );
  change(config);
  writeFileSync(join(projectFolder, `Pulumi.${stack}.yaml`), stringify({ config }));
  const options: EngineRun = {
    operation,
    program,
    engine: {
      pulumi,
      projectFolder,
      stateFolder,
      stack,
      pulumiHome: join(folder, "home"),
      passphraseFile: join(folder, "passphrase"),
      policyPacks: [join(repository, "policies")],
      analyzerFolder: join(repository, "rehearsal", "engine-bin"),
      environment: providers.environment,
    },
  };
  const { code, stdout, lines } = await run(process.execPath, [
    join(import.meta.dirname, "support/run-engine.ts"),
    JSON.stringify(options),
  ]);
  if (code !== 0) throw new Error(lines.join("\n"));
  const state = readFileSync(join(stateFolder, ".pulumi/stacks/lifeline", `${stack}.json`), "utf8");
  return { ...(JSON.parse(stdout) as EngineOutcome), resources: resourcesIn(state) };
}

/** The test's kubeconfig with its one context under each name that the stack uses. */
function kubeconfigFor(home: string, regions: readonly { kubeContext: string }[]): string {
  const kubeconfig = parse(readFileSync(plane.kubeconfig, "utf8")) as {
    contexts: { name: string; context: object }[];
  };
  const context = kubeconfig.contexts[0]?.context ?? {};
  kubeconfig.contexts = regions.map(({ kubeContext }) => ({ name: kubeContext, context }));
  const file = join(home, "kubeconfig");
  writeFileSync(file, stringify(kubeconfig), { mode: 0o600 });
  return file;
}

const resourcesIn = (state: string): number =>
  (JSON.parse(state) as { checkpoint: { latest?: { resources?: object[] } } }).checkpoint.latest
    ?.resources?.length ?? 0;

const preview = { operation: "preview", program: "lifeline" } as const;
const up = { operation: "up", program: "lifeline" } as const;

describe.each(["production", "staging"])("%s", (stack) => {
  it("previews clean through the real engine, judged by the policy pack", async () => {
    expect((await attempt(preview, stack)).refusal).toBeUndefined();
  });

  it("is refused by up while example values are left, before anything is registered", async () => {
    const { refusal, resources } = await attempt(up, stack);
    expect(refusal).toMatch(/lifeline:host.*example/s);
    expect(resources).toBeLessThanOrEqual(1); // the stack itself
  });
});

it("refuses a bad configuration before anything is registered, with field, value, allowed and fix", async () => {
  const { refusal, resources } = await attempt(up, "local", (config) => {
    config["lifeline:activeRegion"] = "us-east-1";
  });
  expect(refusal).toMatch(/lifeline:activeRegion.*us-east-1.*allowed.*eu-north-1.*fix/s);
  expect(resources).toBeLessThanOrEqual(1);
});

it("stops at the policy pack, naming rule and resource, before a violating pod is created", async () => {
  const { refusal } = await attempt({ operation: "preview", program: "careless" }, "local");
  expect(refusal).toMatch(/policy images-by-digest refused careless/);
});
