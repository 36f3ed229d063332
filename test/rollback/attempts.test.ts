import { objectives } from "../../components/lib/objectives.ts";
import { backWithData } from "../../rollback/decide.ts";
import { kept, restoredAs, restorePointsOf } from "../../rollback/record.ts";
import { Story } from "./story.ts";

const upTo = (version: string) => {
  const all = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0"];
  return new Story().through(...all.slice(0, all.indexOf(version) + 1));
};
const toPoint = (point: string) => ({
  data: { generation: 2, from: { point } },
  change: { acceptLoss: point },
});

test("a migration that is tried again gets a restore point after what was written since", () => {
  const story = upTo("v1.3.0");
  story.run("v1.4.0", { change: { reason: "prices", emergency: true }, finishes: false });
  const [first, denials] = [story.last, story.recorded.denials];
  const { type } = story.run("v1.4.0", { finishes: false });
  expect(type).toBe("upgrade");
  expect(story.last).toMatchObject({
    ...{ number: 6, from: "v1.3.0", reason: "prices", emergency: true, schema: first?.schema },
    restorePoint: "v1.4.0.2",
  });
  expect(story.last?.at).not.toBe(first?.at);
  expect(story.recorded.denials).toEqual(denials);
  // What stopped before its point was taken left none behind: each attempt sees to all of them.
  expect(restorePointsOf(story.recorded)).toEqual(["v1.4.0", "v1.4.0.2"]);
  story.run("v1.4.0");
  expect(restorePointsOf(story.recorded)).toEqual(["v1.4.0", "v1.4.0.2", "v1.4.0.3"]);
  expect(story.decision("v1.4.0").verdict).toBe("unchanged");
  expect(story.refusal("v1.3.0").ways[0]?.what).toMatch(
    /to the restore point before v1\.4\.0; .*; v1\.4\.0\.2, .*; v1\.4\.0\.3, from when/,
  );
  // Between two attempts nothing was changed, as far as anybody knows.
  const between = { data: { generation: 2, from: { time: "2026-01-04T20:00:00Z" } } };
  expect(
    story.run("v1.3.0", { ...between, change: { acceptLoss: "2026-01-04T20:00:00Z" } }).type,
  ).toBe("full");
  story.run("v1.4.0", { change: { allowRetry: "repaired" } });
  expect(restorePointsOf(story.recorded)).toEqual(["v1.4.0.4"]);
});

test("who tries it again is who did, and what is said anew is recorded", () => {
  const story = upTo("v1.3.0");
  const ada = { reason: "prices", requestedBy: "ada" };
  story.run("v1.4.0", { change: ada, finishes: false });
  story.run("v1.4.0", { change: ada, finishes: false });
  expect(story.last).toMatchObject({ by: "ops", reason: "prices" });
  story.run("v1.4.0", { change: { reason: "S3 is back", requestedBy: "bob" } });
  expect(story.last).toMatchObject({ by: "bob", reason: "S3 is back" });
});

test("however often it is tried, the way back stays, and each point has a name of its own", () => {
  const story = upTo("v1.3.0");
  const tries = kept + 20;
  for (let turn = 0; turn < tries; turn += 1) story.run("v1.4.0", { finishes: false });
  const { deployments } = story.recorded;
  expect(deployments).toHaveLength(kept);
  expect(deployments.slice(0, 2).map(({ number }) => number)).toEqual([4, 5]);
  expect(deployments[0]).toMatchObject({ release: "v1.3.0", outcome: "finished" });
  expect(story.last).toMatchObject({
    number: 4 + tries,
    restorePoint: `v1.4.0.${String(tries)}`,
  });
  const situation = { ...story.situation("v1.3.0"), restoreWindowDays: 365 };
  expect(backWithData(situation)?.what).toContain("the restore point before v1.4.0;");
});

test("a restore with migrations that is tried again denies what it left once", () => {
  const story = new Story().through("v1.1.0", "v1.3.0", "v1.4.0");
  const back = { ...toPoint("v1.3.0"), finishes: false };
  story.run("v1.3.0", back);
  const { type, objective } = story.run("v1.3.0", { finishes: false });
  expect({ type, objective }).toEqual({ type: "full", objective: objectives.fullRollback });
  expect(story.recorded.denials.map(({ release }) => release)).toEqual(["v1.4.0"]);
  expect(restoredAs(story.recorded, 2)?.from).toEqual({ point: "v1.3.0" });
  expect(restorePointsOf(story.recorded)).toEqual(["v1.3.0.2", "v1.3.0.3"]);
});
