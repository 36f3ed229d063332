import { type Dirent, existsSync, mkdirSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import {
  type EngineEvent,
  LocalWorkspace,
  type OutputMap,
  PulumiCommand,
  type PulumiFn,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import { clearPendingOperations } from "./checkpoint.ts";
import { shown } from "./masked.ts";
import { setStackSecrets } from "./stack-secrets.ts";

export interface EngineOptions {
  /** Path of the pulumi executable. */
  readonly pulumi: string;
  /** Folder with Pulumi.yaml and the stack file. */
  readonly projectFolder: string;
  /** Folder of the state; outlives the process. */
  readonly stateFolder: string;
  /** Folder of plugins and credentials; outlives the rehearsal. */
  readonly pulumiHome: string;
  /** File with the passphrase that encrypts secrets in the state. */
  readonly passphraseFile: string;
  readonly stack: string;
  readonly program: PulumiFn;
  /** Folders of policy packs, which judge each preview and update. */
  readonly policyPacks: readonly string[];
  /** Folder with `pulumi-analyzer-policy-nodejs`, which runs the pack where there is no language host. */
  readonly analyzerFolder: string;
  /** Ends a running update; what it had finished stays in the state. */
  readonly signal: AbortSignal;
  /** Added to the engine's environment, such as PULUMI_DEBUG_PROVIDERS. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What happened to one resource, by the clock. */
export interface Step {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly operation: string;
  readonly startedAt: number;
  finishedAt?: number;
  failed?: boolean;
}

export interface UpdateResult {
  readonly seconds: number;
  /** Resources by operation: create, update, replace, delete, same. */
  readonly changes: Readonly<Record<string, number>>;
  readonly steps: readonly Step[];
  readonly outputs: OutputMap;
}

/** An update that stopped; the message says at which resources and why. */
export class UpdateError extends Error {
  readonly steps: readonly Step[];

  constructor(message: string, steps: readonly Step[]) {
    super(message);
    this.name = "UpdateError";
    this.steps = steps;
  }
}

/** What the engine remembers of one resource. */
export interface StateResource {
  readonly type: string;
  /** URN and id, joined by `::`; absent for components. */
  readonly provider?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

export interface Engine {
  /** @param onProgress gets one line whenever the engine begins or ends something */
  up(onProgress: (line: string) => void): Promise<UpdateResult>;
  /**
   * Judges the whole program by the policy pack, as a preview, before an update touches anything.
   * @throws UpdateError naming what was refused and why
   */
  preview(onProgress: (line: string) => void): Promise<void>;
  /** What an update would change after reading everything back from the clusters. Changes nothing. */
  drift(): Promise<Pick<UpdateResult, "seconds" | "changes">>;
  /** Everything in the state, in an order in which it can be made. Secrets are in plain text: keep them private. */
  resources(): Promise<readonly StateResource[]>;
  /** Secret values are encrypted when the engine writes them to its state. */
  setSecrets(values: Readonly<Record<string, string>>): Promise<void>;
}

/** Opens the stack with the real Pulumi engine; a lock or pending operations that a killed run left are cleared first. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  mkdirSync(options.stateFolder, { recursive: true });
  const environment = {
    ...options.environment,
    PATH: [options.analyzerFolder, process.env["PATH"] ?? ""].join(delimiter),
    PULUMI_BACKEND_URL: `file://${options.stateFolder}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: options.passphraseFile,
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  const stack = await LocalWorkspace.createOrSelectStack(
    { stackName: options.stack, projectName: "lifeline", program: options.program },
    {
      workDir: options.projectFolder,
      pulumiCommand: await PulumiCommand.get({
        root: dirname(dirname(options.pulumi)),
        skipVersionCheck: false,
      }),
      pulumiHome: options.pulumiHome,
      envVars: environment,
    },
  );
  await recover(stack, options);
  return {
    up: (onProgress) => update(stack, options, onProgress),
    preview: async (onProgress) => {
      const log = new UpdateLog(onProgress);
      await log.explained(stack.preview(settings(options, log)));
    },
    drift: () => drift(stack),
    resources: () => resources(stack),
    setSecrets: (values) =>
      setStackSecrets(
        {
          pulumi: options.pulumi,
          projectFolder: options.projectFolder,
          environment: { ...environment, PULUMI_HOME: options.pulumiHome },
        },
        options.stack,
        values,
      ),
  };
}

/**
 * A killed update leaves its lock and its unfinished operations in the state. The caller's own lock makes sure that no
 * update is running, and the providers adopt what exists (`upsertExistingObjects`), so both can go. The engine's files
 * tell at once whether there is any; the engine itself takes a second each.
 */
async function recover(stack: Stack, { stateFolder }: EngineOptions): Promise<void> {
  const folder = join(stateFolder, ".pulumi");
  const locks = join(folder, "locks");
  const isFile = (entry: Dirent) => entry.isFile();
  if (
    existsSync(locks) &&
    readdirSync(locks, { recursive: true, withFileTypes: true }).some(isFile)
  )
    await stack.cancel();
  clearPendingOperations(join(folder, "stacks", "lifeline", `${stack.name}.json`));
}

async function resources(stack: Stack): Promise<readonly StateResource[]> {
  const { deployment } = (await stack.exportStack()) as {
    deployment: { resources?: StateResource[] };
  };
  return (deployment.resources ?? []).map((resource) => ({
    ...resource,
    inputs: shown(resource.inputs ?? {}) as Record<string, unknown>,
  }));
}

const quiet = { color: "never", suppressProgress: true } as const;

async function drift(stack: Stack): Promise<Pick<UpdateResult, "seconds" | "changes">> {
  const started = Date.now();
  const { changeSummary } = await stack.preview({ refresh: true, ...quiet });
  return { seconds: (Date.now() - started) / 1000, changes: changeSummary };
}

async function update(
  stack: Stack,
  options: EngineOptions,
  onProgress: (line: string) => void,
): Promise<UpdateResult> {
  const started = Date.now();
  const log = new UpdateLog(onProgress);
  const result = await log.explained(stack.up(settings(options, log)));
  return {
    seconds: (Date.now() - started) / 1000,
    changes: result.summary.resourceChanges ?? {},
    steps: log.steps,
    outputs: result.outputs,
  };
}

const settings = ({ policyPacks, signal }: EngineOptions, log: UpdateLog) => ({
  policyPacks: [...policyPacks],
  signal,
  ...quiet,
  onEvent: (event: EngineEvent) => {
    log.read(event);
  },
});

/** Turns the engine's events into steps by the clock, one progress line and, when it fails, the reason. */
class UpdateLog {
  readonly steps: Step[] = [];
  readonly #running = new Map<string, Step>();
  readonly #complaints: string[] = [];
  readonly #onProgress: (line: string) => void;
  #finished = 0;
  #status = "";

  constructor(onProgress: (line: string) => void) {
    this.#onProgress = onProgress;
  }

  read(event: EngineEvent): void {
    const at = Date.now();
    const begun = event.resourcePreEvent?.metadata;
    if (begun !== undefined) {
      const step: Step = {
        urn: begun.urn,
        type: begun.type,
        name: nameOf(begun.urn),
        operation: begun.op,
        startedAt: at,
      };
      this.steps.push(step);
      this.#running.set(begun.urn, step);
    }
    const ended = event.resOutputsEvent?.metadata ?? event.resOpFailedEvent?.metadata;
    if (ended !== undefined) this.#end(ended.urn, at, event.resOpFailedEvent !== undefined);
    const said = event.diagnosticEvent;
    if (said !== undefined) this.#hear(said.severity, said.message, said.urn);
    const judged = event.policyEvent;
    if (judged?.enforcementLevel === "mandatory") {
      this.#complaints.push(
        `policy ${judged.policyName} refused ${nameOf(judged.resourceUrn ?? "")}: ${plain(judged.message)}`,
      );
    }
    this.#report();
  }

  /** Waits for a run of the engine; when it fails, says which resources failed and why. */
  async explained<Result>(run: Promise<Result>): Promise<Result> {
    try {
      return await run;
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      const reasons = [...new Set(this.#complaints)].join("\n");
      throw new UpdateError(reasons === "" ? said : reasons, this.steps);
    }
  }

  #end(urn: string, at: number, failed: boolean): void {
    const step = this.#running.get(urn);
    if (step === undefined) return;
    step.finishedAt = at;
    step.failed = failed;
    this.#running.delete(urn);
    this.#finished += 1;
  }

  #hear(severity: string, message: string, urn: string | undefined): void {
    const text = plain(message);
    if (severity === "error" && !text.startsWith("update failed")) {
      this.#complaints.push(urn === undefined || urn === "" ? text : `${nameOf(urn)}: ${text}`);
    } else if (severity === "info") {
      this.#status = text.split("\n")[0] ?? "";
    }
  }

  #report(): void {
    const waiting = [...this.#running.values()]
      .filter((step) => !step.type.startsWith("lifeline:"))
      .map((step) => step.name);
    const names =
      waiting.slice(0, 3).join(", ") +
      (waiting.length > 3 ? ` and ${String(waiting.length - 3)} more` : "");
    this.#onProgress(
      `${String(this.#finished)} done${names === "" ? "" : `, working on ${names}`}${this.#status === "" ? "" : ` (${this.#status})`}`,
    );
  }
}

const nameOf = (urn: string): string => urn.split("::").at(-1) ?? urn;

/** The engine marks colours in its messages as `<{%reset%}>`. */
const plain = (message: string): string => message.replace(/<\{%[^%]*%\}>/g, "").trim();
