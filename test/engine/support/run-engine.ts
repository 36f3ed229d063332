/**
 * Run as a child process: one preview or update of a stack on the real engine. A program that throws inside the engine
 * leaves rejections behind that would end a test process. Prints what came of it as JSON.
 */
import { Pod } from "@pulumi/kubernetes/core/v1/index.js";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import lifeline from "../../../index.ts";
import { type EngineOptions, openEngine } from "../../../rehearsal/engine.ts";

export interface EngineRun {
  readonly operation: "preview" | "up";
  readonly program: "lifeline" | "careless";
  readonly engine: Omit<EngineOptions, "program" | "signal">;
}

export interface EngineOutcome {
  /** Why it was refused; undefined when it went through. */
  readonly refusal?: string;
}

const programs: Record<EngineRun["program"], PulumiFn> = {
  lifeline: () => lifeline(),
  careless: () => {
    new Pod("careless", {
      metadata: { name: "careless" },
      spec: { containers: [{ name: "web", image: "nginx:latest" }] },
    });
    return Promise.resolve();
  },
};

const { operation, program, engine: options } = JSON.parse(process.argv[2] ?? "") as EngineRun;
let outcome: EngineOutcome = {};
try {
  const engine = await openEngine({
    ...options,
    program: programs[program],
    signal: new AbortController().signal,
  });
  await engine[operation](() => undefined);
} catch (error) {
  outcome = { refusal: error instanceof Error ? error.message : String(error) };
}
process.stdout.write(JSON.stringify(outcome), () => process.exit(0));
