import { type StdioOptions, spawn } from "node:child_process";
import { Problem } from "../problem.ts";
import { firstProcess, processesIn } from "./cgroups.ts";
import { foreignHolder } from "./holder.ts";
import type { Topology } from "./topology.ts";

/** The first process of this cache's region, by this machine's number; undefined when the region does not run. */
export const regionInit = (region: Topology): number | undefined =>
  foreignHolder() === undefined ? firstProcess(processesIn(region.cgroup)) : undefined;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Open file that the command reads. */
  readonly stdin?: number;
  readonly timeoutSeconds?: number;
}

/** Runs a command to its end; only one that cannot be started rejects. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [command = "", ...args] = argv;
  const stdio: StdioOptions = [options.stdin ?? "ignore", "pipe", "pipe"];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio,
      timeout: (options.timeoutSeconds ?? 60) * 1000,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? 1, stdout, stderr });
    });
  });
}

/** Runs a command that must succeed. @returns what it wrote to stdout. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(argv, options);
  if (code !== 0)
    throw new Problem(`${argv.join(" ")} failed with exit code ${String(code)}: ${stderr.trim()}`);
  return stdout;
}

/**
 * Runs a command inside a region, in all of its namespaces.
 * @throws when the region does not run.
 */
export function inRegion(
  region: Topology,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const pid = regionInit(region);
  if (pid === undefined) throw new Problem(`region ${region.awsRegion} does not run`);
  // The cgroup namespace only changes what is seen: the command is accounted to its caller.
  return run(
    [
      "nsenter",
      "-t",
      String(pid),
      "--mount",
      "--net",
      "--pid",
      "--uts",
      "--ipc",
      "--cgroup",
      "--",
      ...argv,
    ],
    options,
  );
}

/** Containerd's own client, inside a region. */
export const ctr = (...args: readonly string[]): string[] => [
  "ctr",
  "-a",
  "/run/containerd/containerd.sock",
  "-n",
  "k8s.io",
  ...args,
];
