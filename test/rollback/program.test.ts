import { jest } from "@jest/globals";

import { validReleases } from "../../config/parse.ts";
import { releaseFiles } from "../../config/release.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { isKubernetesObject } from "../../rehearsal/graph-view.ts";
import { brokenWindows } from "../../rollback/check/kept-releases.ts";
import { wayBack } from "../../rollback/check/way-back.ts";
import { readRecord } from "../../rollback/record.ts";
import { objectName } from "../support/declare.ts";
import {
  recordOf,
  refusal,
  releasesFolder,
  run,
  stateAfter,
  through,
  type State,
} from "./stack.ts";

// Every stack with every release of its own: `npm run check:rollback`.
test.each(["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0"])(
  "%s previews clean while nothing is known yet",
  async (release) => {
    const { resources } = await run(release, { unknown: true });
    expect(JSON.stringify(resources)).toContain(
      JSON.stringify({ name: "RELEASE_VERSION", value: release }),
    );
  },
);

test("each release goes back to the one before without touching what holds state", async () => {
  const graphs: GraphView[] = [];
  for (const release of ["v1.4.0", "v1.3.0", "v1.2.0", "v1.1.0", "v1.0.0"])
    graphs.push(await run(release));
  const findings = graphs.slice(1).flatMap((older, at) => wayBack(graphs[at] ?? older, older));
  expect(findings).toEqual([]);
  expect(brokenWindows(validReleases(releaseFiles(releasesFolder)))).toEqual([]);
});

test("a run that changes nothing leaves the record as it is, whoever runs it and whenever", async () => {
  const state = through("v1.0.0", "v1.1.0");
  const again = await run("v1.1.0", { state, now: new Date() });
  expect(recordOf(again)).toBe(state["urn:a"]?.outputs["record"]);
});

test("going back by code alone says so, and changes no resource of the database", async () => {
  const said = jest.mocked(console.log).mockClear();
  const state = through("v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0");
  const before = await run("v1.3.0", { state });
  expect(said).not.toHaveBeenCalled();
  const after = await run("v1.2.0", { state });
  expect(said.mock.calls.flat().join()).toContain(
    "app rollback: v1.3.0 to v1.2.0, promised within 5 minutes",
  );
  const texts = new Map(before.resources.map((it) => [it.urn, JSON.stringify(it)]));
  const changed = after.resources.filter((it) => texts.get(it.urn) !== JSON.stringify(it));
  const objects = changed
    .filter(isKubernetesObject)
    .map(
      (it) => `${it.type.split(":").at(-1) ?? ""} ${objectName(it).replace(/-[0-9a-f]{10}$/, "")}`,
    );
  expect([...new Set(objects)].sort()).toEqual([
    "ConfigMap lifeline-release",
    "Deployment backend",
    "Deployment frontend",
    "Job db-migration",
    "Job smoke",
  ]);
});

test("going back to what already runs asks the database and both smoke gates again", async () => {
  const before = through("v1.0.0", "v1.1.0");
  const gates = (graph: GraphView) =>
    graph.resources
      .filter(({ type }) => type.endsWith(":Job") || type === "command:local:Command")
      .filter(({ name }) => /-(migration|smoke-inside|smoke-outside)$/.test(name))
      .map(({ inputs, name }) => {
        const named = JSON.stringify(inputs["metadata"] ?? inputs["triggers"]);
        return [name, named] as const;
      });
  const running = gates(await run("v1.1.0", { state: before }));
  expect(running).toHaveLength(5);
  // It stopped before any of its pods came: of the release before, everything is still as it was declared.
  const stopped = stateAfter(recordOf(await run("v1.2.0", { state: before })), before, false);
  const back = new Map(gates(await run("v1.1.0", { state: stopped })));
  for (const [name, declared] of running) expect(back.get(name)).not.toBe(declared);
});

test("configuration, feature and secret version go back with the code", async () => {
  const state = through("v1.0.0", "v1.1.0", "v1.2.0");
  const [before, after] = [await run("v1.2.0", { state }), await run("v1.1.0", { state })];
  const parts = (graph: GraphView) => {
    const text = JSON.stringify(graph.resources);
    return [
      /"FEATURE_PINNED_NOTES","value":"(\w+)"/.exec(text)?.[1],
      /"LOG_LEVEL","value":"(\w+)"/.exec(text)?.[1],
      /"secretName":"(app-secret[^"]*)"/.exec(text)?.[1],
    ];
  };
  expect(parts(before)).toEqual([
    "true",
    "warn",
    expect.stringMatching(/^app-secret-[0-9a-f]{10}$/),
  ]);
  expect(parts(after)).toEqual(["false", "info", "app-secret"]);
});

test("a breaking release is not left by code alone: nothing is declared, and the commands are exact", async () => {
  const state = through("v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0");
  const message = await refusal("v1.2.0", { state });
  expect(message).toContain("the database has schema version 4, v1.2.0 runs on 1 to 3");
  expect(message).toContain("lifeline:postgres.generations[1].from.point' v1.4.0 --stack local");
  expect(message).toContain("nothing was changed");
});

describe("a release that was taken back", () => {
  let state: State;
  beforeAll(async () => {
    const before = through("v1.0.0", "v1.1.0", "v1.2.0");
    const settings = {
      "lifeline:change": JSON.stringify({
        release: "v1.1.0",
        reason: "logins fail",
        requestedBy: "ada",
      }),
    };
    state = stateAfter(recordOf(await run("v1.1.0", { state: before, settings })), before);
  });

  test("is refused in a plain preview, with when, who, why and the ways out", async () => {
    const message = await refusal("v1.2.0", { state });
    expect(message).toContain(
      "v1.2.0 was taken back on 2026-01-01T00:00:00.000Z by ada: logins fail",
    );
    expect(message).toContain("npm run release -- new v1.2.1 --from v1.2.0");
    expect(message).toContain("lifeline:change.allowRetry");
  });

  test("is refused when one region's part of the state is lost", async () => {
    const left = Object.entries(state).filter(([urn]) => urn !== "urn:a");
    expect(await refusal("v1.2.0", { state: Object.fromEntries(left) })).toContain(
      "was taken back",
    );
  });

  test("is refused when one region was away during the rollback and knows only of before", async () => {
    const old = through("v1.0.0", "v1.1.0", "v1.2.0");
    const mixed = { ...state, "urn:a": old["urn:a"] } as State;
    expect(await refusal("v1.2.0", { state: mixed })).toContain("was taken back");
  });

  test("is refused when the rollback itself was killed after it began", async () => {
    const before = through("v1.0.0", "v1.1.0", "v1.2.0");
    const killed = stateAfter(recordOf(await run("v1.1.0", { state: before })), before, false);
    expect(await refusal("v1.2.0", { state: killed })).toContain("was taken back");
    expect(recordOf(await run("v1.1.0", { state: killed }))).toBe(
      killed["urn:a"]?.outputs["record"],
    );
  });

  test("comes out again when the stack file says why", async () => {
    const settings = {
      "lifeline:change": JSON.stringify({
        release: "v1.2.0",
        allowRetry: "the identity provider was down",
      }),
    };
    const record = readRecord(recordOf(await run("v1.2.0", { state, settings })));
    expect(record.denials).toMatchObject([
      { release: "v1.2.0", lifted: { reason: "the identity provider was down" } },
    ]);
  });
});

test("a run that failed is on record as such once the next one begins", async () => {
  const before = through("v1.0.0");
  const failed = stateAfter(recordOf(await run("v1.1.0", { state: before })), before, false);
  const { deployments } = readRecord(recordOf(await run("v1.0.0", { state: failed })));
  expect(deployments.map(({ release, outcome }) => [release, outcome])).toEqual([
    ["v1.0.0", "finished"],
    ["v1.1.0", "not finished"],
    ["v1.0.0", undefined],
  ]);
});

test("everything that a release starts waits for the record", async () => {
  const graph = await run("v1.1.0");
  for (const region of ["eu-north-1", "eu-west-1"]) {
    for (const thing of ["postgres", "frontend"]) {
      const component = graph.components().find(({ name }) => name === `${region}-${thing}`);
      expect(component && graph.dependsOn(component)).toContain(`${region}-record`);
    }
  }
});

test("a failover changes nothing in the record", async () => {
  const state = through("v1.0.0", "v1.1.0");
  const settings = { "lifeline:activeRegion": "eu-west-1" };
  expect(recordOf(await run("v1.1.0", { state, settings }))).toBe(
    state["urn:a"]?.outputs["record"],
  );
});

test("a record of a later program is not misread", async () => {
  const state = stateAfter('{"format":2,"deployments":[],"denials":[]}');
  await expect(run("v1.0.0", { state })).rejects.toThrow("format 2, this program knows 1");
});

test("a stack file of before a failover says that it moves the write role as well", async () => {
  const moved = through("v1.0.0", "v1.1.0");
  const settings = { activeRegion: "eu-west-1" };
  const outputs = { ...moved["urn:stack"]?.outputs, settings };
  const state = { ...moved, "urn:stack": { type: "pulumi:pulumi:Stack", outputs } };
  const said = jest.spyOn(console, "warn").mockImplementation(() => undefined);
  try {
    await run("v1.0.0", { state });
    expect(said.mock.calls.flat().join()).toContain(
      "also moves the write role from eu-west-1 to eu-north-1, as the stack file says. To leave it where it is: pulumi config set --path lifeline:activeRegion eu-west-1 --stack local",
    );
    said.mockClear();
    await run("v1.0.0", { state, settings: { "lifeline:activeRegion": "eu-west-1" } });
    // A move alone is what was asked for.
    await run("v1.1.0", { state });
    expect(said).not.toHaveBeenCalled();
  } finally {
    said.mockRestore();
  }
});
