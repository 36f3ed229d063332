import { jest } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { writeRecord } from "../../rollback/record.ts";
import { releaseCommand } from "../../rollback/release/command.ts";
import { showHistory } from "../../rollback/release/history.ts";
import { Story } from "./story.ts";

let folder: string;
let state: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lifeline-history-"));
  writeFileSync(join(folder, "Pulumi.production.yaml"), "config: {}\n");
  const story = new Story().through("v1.0.0", "v1.1.0");
  const { record } = story.state ?? {};
  const change = { reason: "logins fail", requestedBy: "ada", emergency: true };
  story.run("v1.0.0", { change, finishes: false });
  const resources = [
    { type: "pulumi:pulumi:Stack", outputs: { record: record && writeRecord(record) } },
    { type: "lifeline:release:ReleaseRecord", outputs: { record: writeRecord(story.recorded) } },
  ];
  state = join(folder, "state.json");
  writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources } }));
  said = [];
  jest.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("shows of each deployment its number, when, who, from, to, type, emergency and reason", async () => {
  await showHistory({ folder, state });
  expect(said.map((line) => line.replace(/ {2,}/g, " | "))).toEqual([
    "NUMBER | STACK | WHEN | WHO | FROM | TO | TYPE | ENDED | EMERGENCY | REASON",
    "1 | production | 2026-01-01T00:00Z | ops | - | v1.0.0 | first | finished | no | -",
    "2 | production | 2026-01-02T00:00Z | ops | v1.0.0 | v1.1.0 | upgrade | finished | no | -",
    "3 | production | 2026-01-03T00:00Z | ada | v1.1.0 | v1.0.0 | app | not finished | yes | logins fail",
  ]);
});

test("says the same as JSON", async () => {
  await showHistory({ folder, state, json: true });
  const { deployments, unknown } = JSON.parse(said.join("")) as Record<string, unknown[]>;
  expect(unknown).toEqual([]);
  expect(deployments).toHaveLength(3);
  expect(deployments?.[2]).toEqual({
    ...{ stack: "production", number: 3, at: "2026-01-03T00:00:00.000Z", by: "ada" },
    ...{ from: "v1.1.0", to: "v1.0.0", type: "app", outcome: "not finished" },
    ...{ emergency: true, reason: "logins fail" },
  });
});

test("says so when nobody can be asked", async () => {
  await showHistory({ folder, state: join(folder, "none.json") });
  expect(said.at(-1)).toMatch(/^production: what was deployed is not known: .*none\.json/);
});

test("takes no version", async () => {
  await expect(releaseCommand(["history", "v1.0.0"])).rejects.toThrow("history [--stack NAME]");
});
