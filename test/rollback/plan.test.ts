import { jest } from "@jest/globals";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseDocument, stringify } from "yaml";

import { writeRecord } from "../../rollback/record.ts";
import { listReleases } from "../../rollback/release/list.ts";
import { newRelease } from "../../rollback/release/new.ts";
import { planRelease } from "../../rollback/release/plan.ts";
import { keptReleases, type KnownStack } from "../../rollback/release/stack-state.ts";
import { releaseText } from "../support/stack-files.ts";
import { Story } from "./story.ts";
import { typed } from "./typed.ts";

let folder: string;
let file: string;
let state: string;
let story: Story;
let said: string[];
beforeEach(async () => {
  said = [];
  jest.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
  folder = mkdtempSync(join(tmpdir(), "lifeline-plan-"));
  mkdirSync(join(folder, "releases"));
  writeFileSync(join(folder, "releases/v1.0.0.yaml"), releaseText("v1.0.0"));
  writeFileSync(join(folder, "package.json"), "{}");
  await newRelease({ folder, version: "v1.1.0", schema: "1..2" });
  await newRelease({ folder, version: "v1.2.0", schema: "2..2", target: "2" });
  file = join(folder, "Pulumi.production.yaml");
  write({
    "lifeline:release": "v1.2.0",
    "lifeline:activeRegion": "eu-north-1",
    "lifeline:postgres": { generations: [{ storage: "100Gi" }] },
    "lifeline:backups": { restoreWindowDays: 36500 },
  });
  story = new Story(keptReleases(folder)).through("v1.0.0", "v1.1.0", "v1.2.0");
  state = join(folder, "state.json");
  const outputs = { record: writeRecord(story.recorded) };
  const types = ["pulumi:pulumi:Stack", "lifeline:release:ReleaseRecord"];
  const resources = types.map((type) => ({ type, outputs }));
  writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources } }));
  said = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const write = (config: object) => {
  writeFileSync(file, stringify({ config }));
};
const plan = (version: string, more: object = {}) =>
  planRelease({ folder, version, stack: "production", state, ...more });

/** What is said of a plan that is refused. */
const refusal = async (...args: Parameters<typeof plan>) => {
  const error: unknown = await plan(...args).catch((reason: unknown) => reason);
  if (error instanceof Error) return error.message;
  throw new Error("accepted");
};

/** Types the first way out, as `pulumi config set` would write it into the stack file. */
function typeFirstWay(message: string): void {
  const [, way = ""] = message.split("\n\n");
  const document = parseDocument(readFileSync(file, "utf8"));
  for (const line of way.split("\n").filter((it) => it.includes("pulumi config set"))) {
    const words = (typed(line)[0] ?? []).slice(3).filter((word) => word !== "--path");
    const [key = "", value = ""] = words;
    const [top = "", ...rest] = key.split(/[.[\]]+/).filter((part) => part !== "");
    const path = rest.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    document.setIn(["config", top, ...path], value);
  }
  writeFileSync(file, document.toString());
}

test("what was typed as it was printed is accepted when asked again; the list stays neutral", async () => {
  const message = await refusal("v1.0.0");
  expect(message).toContain("go back together with the data");
  typeFirstWay(message);
  await plan("v1.0.0");
  expect(said[0]).toBe("production to v1.0.0: full, promised within 15 minutes");
  said = [];
  await listReleases({ folder, state });
  expect(said.find((line) => line.startsWith("v1.0.0"))).toContain("not without data");
});

test("a loss that is accepted for another release, or not at all, is refused by its name", async () => {
  typeFirstWay(await refusal("v1.0.0"));
  expect(await refusal("v1.1.0")).toContain("lifeline:change.acceptLoss");
});

test("what the stack file says that is not valid is told, with the fix", async () => {
  write({ "lifeline:postgres": { generations: [{ storage: "much" }] } });
  expect(await refusal("v1.0.0")).toMatch(
    /lifeline:postgres\.generations\[0\]\.storage\s+value:\s+"much"\s+allowed:.*\s+fix:/,
  );
  write({ "lifeline:change": { release: "v1.0.0", emergency: "perhaps" } });
  expect(await refusal("v1.0.0")).toMatch(/lifeline:change\.emergency/);
});

test("a rehearsal writes its stack file anew with each start: what stands in it says nothing", async () => {
  typeFirstWay(await refusal("v1.0.0"));
  const rehearsal: KnownStack = { ...{ stack: "local", file, state: story.state }, changed: [] };
  expect(await refusal("v1.0.0", { rehearsal })).toContain("npm start -- --set");
});
