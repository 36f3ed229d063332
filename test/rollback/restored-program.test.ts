import type { GraphView } from "../../rehearsal/graph-view.ts";
import { readRecord } from "../../rollback/record.ts";
import { stackConfig } from "../support/stack-files.ts";
import { recordOf, refusal, run, stateAfter, through, type State } from "./stack.ts";

describe("a restore", () => {
  const before = through("v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0");
  const { postgres, quota } = stackConfig("local") as Record<string, object>;
  const storage = "2Gi";
  const settings = {
    "lifeline:postgres": JSON.stringify({
      ...postgres,
      generations: [{ storage }, { storage, from: { point: "v1.4.0" } }],
    }),
    "lifeline:quota": JSON.stringify({ ...quota, storage: "64Gi" }),
    "lifeline:change": JSON.stringify({ release: "v1.2.0", acceptLoss: "v1.4.0" }),
  };
  let graph: GraphView;
  let begun: State;
  beforeAll(async () => {
    graph = await run("v1.2.0", { state: before, settings });
    begun = stateAfter(recordOf(graph), before, false);
  });

  test("is seen to be possible before anything is closed for it, in the region that writes", () => {
    for (const region of ["eu-north-1", "eu-west-1"]) {
      const role = graph.components().find(({ name }) => name === `${region}-postgres-role`);
      const gates = (role ? graph.dependsOn(role) : []).filter((it) => it.includes("gate"));
      expect(gates).toEqual([expect.stringMatching(/^eu-north-1-restore-gate-2-[0-9a-f]{10}$/)]);
    }
    expect(
      graph
        .components()
        .map(({ name }) => name)
        .join(),
    ).not.toContain("eu-west-1-restore");
  });

  test("that was refused there has changed nothing: neither the release nor its data is denied", async () => {
    const { deployments, denials } = readRecord(recordOf(await run("v1.4.0", { state: begun })));
    expect(deployments.map(({ release }) => release).at(-1)).toBe("v1.4.0");
    expect(deployments).toHaveLength(5);
    expect(denials).toEqual([]);
  });

  test("that was begun is not taken back by leaving it out", async () => {
    const metadata = { name: "postgres-2-config" };
    const role = { type: "kubernetes:core/v1:ConfigMap", outputs: { metadata } };
    const state = { ...begun, "urn:role": role };
    expect(await refusal("v1.2.0", { state })).toContain("data generation 2 was begun");
  });

  test("has nothing to wait for when the region moves later", async () => {
    const metadata = { name: "postgres-2-config" };
    const role = { type: "kubernetes:core/v1:ConfigMap", outputs: { metadata } };
    const state = { ...begun, "urn:role": role };
    const moved = await run("v1.2.0", {
      state,
      settings: { ...settings, "lifeline:activeRegion": "eu-west-1" },
    });
    const gates = ({ resources }: GraphView) =>
      resources.filter(({ name }) => name.includes("restore-gate"));
    expect(gates(moved)).toEqual(gates(graph));
  });
});
