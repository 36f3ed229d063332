import type { DataTarget } from "../../rollback/change.ts";
import { Story } from "./story.ts";
import { typed } from "./typed.ts";

/** Back from v1.4.0 with the data: generation 2 serves, and what was taken before it lies in the archive of generation 1. */
function restored(): Story {
  const story = new Story().through("v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0");
  const data = { generation: 2, from: { point: "v1.4.0" } };
  story.run("v1.3.0", { data, change: { acceptLoss: "v1.4.0" } });
  return story;
}

/** The data that the printed commands ask for. */
function askedBy(commands: readonly string[]): Partial<DataTarget> {
  const words = commands.map((line) => typed(line)[0] ?? []);
  const valueOf = (name: string) => {
    const found = words.find((line) => line.some((word) => word.endsWith(name)));
    return found?.[found.findIndex((word) => word.endsWith(name)) + 1];
  };
  const of = valueOf("[2].from.generation");
  return {
    ...{ generation: 3, from: { point: String(valueOf("[2].from.point")) } },
    ...(of !== undefined && { of: Number(of) }),
  };
}

test("the way to a restore point of an earlier generation names that generation, and is accepted as printed", () => {
  const story = restored();
  const [way] = story.refusal("v1.0.0").ways;
  expect(way?.commands).toContain(
    "pulumi config set --path 'lifeline:postgres.generations[2].from.generation' 1 --stack production",
  );
  const data = askedBy(way?.commands ?? []);
  expect(data).toEqual({ generation: 3, from: { point: "v1.3.0" }, of: 1 });
  const step = { data, change: { acceptLoss: "v1.3.0" } };
  expect(story.decision("v1.0.0", step)).toMatchObject({ verdict: "go", type: "full" });
  story.run("v1.0.0", step);
  expect(story.last?.schema.after).toEqual({ lowest: 1, highest: 1 });
  expect(story.last?.restored).toMatchObject({ from: { point: "v1.3.0" }, of: 1 });
});

test("a restore point of the serving generation is found without naming it", () => {
  const story = restored();
  story.run("v1.4.0", { change: { allowRetry: "repaired" } });
  const [way] = story.refusal("v1.2.0").ways;
  expect(way?.commands.join()).not.toContain("from.generation");
  const data = askedBy(way?.commands ?? []);
  expect(data).toEqual({ generation: 3, from: { point: "v1.4.0.2" } });
  const step = { data, change: { acceptLoss: "v1.4.0.2" } };
  expect(story.decision("v1.2.0", step).verdict).toBe("go");
});

test.each([
  ["the one before, by default", {}],
  ["one that was never there", { of: 7 }],
])("a restore point is refused when it is looked for in the wrong generation: %s", (_, of) => {
  const story = restored();
  const data = { generation: 3, from: { point: "v1.3.0" }, ...of };
  const { reason, allowed, ways } = story.refusal("v1.0.0", {
    ...{ data, change: { acceptLoss: "v1.3.0" } },
  });
  expect(reason).toMatch(
    /restore point v1\.3\.0 was taken in data generation 1, .* generation [27]/,
  );
  expect(allowed).toBe("from.generation: 1");
  expect(ways[0]?.commands).toEqual([
    "pulumi config set --path 'lifeline:postgres.generations[2].from.generation' 1 --stack production",
    "pulumi config set --path lifeline:change.release v1.0.0 --stack production",
    "pulumi config set --path lifeline:change.acceptLoss v1.3.0 --stack production",
    "pulumi up --stack production",
  ]);
});

test("the schema at a point is the one of the data that its own run restored", () => {
  const story = new Story().through("v1.1.0", "v1.3.0");
  // Back to the schema of v1.1.0, and with the same run to v1.3.0 again: its migrations begin at 1.
  const again = { data: { generation: 2, from: { point: "v1.3.0" } } };
  story.run("v1.3.0", { ...again, change: { acceptLoss: "v1.3.0" } });
  expect(story.last?.restorePoint).toBe("v1.3.0.2");
  story.through("v1.4.0");
  const data = { generation: 3, from: { point: "v1.3.0.2" } };
  const step = { data, change: { acceptLoss: "v1.3.0.2" } };
  expect(story.decision("v1.0.0", step).verdict).toBe("go");
});
