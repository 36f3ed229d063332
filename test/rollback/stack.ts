import { jest } from "@jest/globals";
import { rmSync } from "node:fs";
import { dirname } from "node:path";

import { ConfigError } from "../../config.ts";
import { validReleases } from "../../config/parse.ts";
import { releaseFiles } from "../../config/release.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { writeRecord } from "../../rollback/record.ts";
import type { KnownResource } from "../../rollback/state.ts";
import { at } from "../support/declare.ts";
import { programOf } from "../support/program.ts";
import { rehearsalReleases } from "../support/rehearsal-releases.ts";
import { Story } from "./story.ts";

/** The program with the releases of the rehearsal, for the files that import it: what it says is kept from the terminal. */
jest.setTimeout(60_000);
export const releasesFolder = rehearsalReleases();
beforeAll(() => {
  jest.spyOn(console, "log").mockImplementation(() => undefined);
});
afterAll(() => {
  rmSync(dirname(releasesFolder), { recursive: true });
});

export type State = Readonly<Record<string, KnownResource>>;
const recordType = "lifeline:release:ReleaseRecord";

interface Run {
  readonly state?: State;
  readonly settings?: Readonly<Record<string, string>>;
  readonly now?: Date;
  readonly unknown?: boolean;
}

/** One run of the stack `local`. */
export function run(
  release: string,
  { state = {}, settings = {}, now, unknown = false }: Run = {},
) {
  return programOf(
    "local",
    { "lifeline:release": release, ...settings },
    { state, unknown, program: { releasesFolder, ...(now !== undefined && { now }) } },
  );
}

/** The record that a run leaves, the same in both regions. */
export function recordOf(graph: GraphView): string {
  const texts = graph.resources
    .filter(({ type, name }) => type.endsWith(":ConfigMap") && name.endsWith("-record"))
    .map(({ inputs }) => at(inputs, "data", "record.json"));
  expect(texts).toHaveLength(2);
  expect(texts[0]).toBe(texts[1]);
  return String(texts[0]);
}

/** What the engine's state holds after a run; one that failed has not written the stack's outputs. */
export function stateAfter(record: string, before: State = {}, finished = true): State {
  const component = { type: recordType, outputs: { record } };
  return {
    ...before,
    "urn:a": component,
    "urn:b": component,
    ...(finished && { "urn:stack": { type: "pulumi:pulumi:Stack", outputs: { record } } }),
  };
}

/** Runs that all went well, decided without declaring anything. */
export function through(...versions: readonly string[]): State {
  const story = new Story(validReleases(releaseFiles(releasesFolder)));
  return stateAfter(writeRecord(story.through(...versions).recorded));
}

/** What is said of a run that is refused before it declares anything. */
export const refusal = async (...args: Parameters<typeof run>): Promise<string> => {
  const error: unknown = await run(...args).catch((reason: unknown) => reason);
  if (error instanceof ConfigError) return error.message;
  throw new Error("accepted", { cause: error });
};
