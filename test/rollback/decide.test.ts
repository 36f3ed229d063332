import { objectives } from "../../components/lib/objectives.ts";
import { decide } from "../../rollback/decide.ts";
import { releaseOf, releases, Story } from "./story.ts";

const all = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0"];
const upTo = (version: string) => new Story().through(...all.slice(0, all.indexOf(version) + 1));
const toPoint = (point: string, acceptLoss = point) => ({
  data: { generation: 2, from: { point } },
  change: { acceptLoss },
});

describe("the level of a change is computed", () => {
  test("a first run and upgrades promise nothing about going back", () => {
    const story = new Story();
    expect(story.run("v1.0.0")).toMatchObject({ type: "first" });
    const upgrade = story.run("v1.1.0");
    expect(upgrade.type).toBe("upgrade");
    expect(upgrade.objective).toBeUndefined();
  });

  test("code alone goes back in 5 minutes", () => {
    const { type, objective } = upTo("v1.1.0").run("v1.0.0");
    expect({ type, objective }).toEqual({ type: "app", objective: objectives.appRollback });
    expect(objective?.recoverySeconds).toBe(300);
  });

  test("code and configuration go back in 10 minutes", () => {
    const { type, objective } = upTo("v1.2.0").run("v1.1.0");
    expect({ type, objective }).toEqual({ type: "config", objective: objectives.configRollback });
    expect(objective?.recoverySeconds).toBe(600);
  });

  test("a release whose file is no longer kept may have changed its configuration", () => {
    const story = upTo("v1.1.0");
    const situation = { ...story.situation("v1.0.0"), releases: [releaseOf("v1.0.0")] };
    expect(decide(situation)).toMatchObject({ type: "config" });
  });

  test("a compatible migration stays: the release before runs on its schema", () => {
    const story = upTo("v1.3.0");
    expect(story.run("v1.2.0")).toMatchObject({ type: "app" });
    expect(story.last?.schema.after).toEqual({ lowest: 3, highest: 3 });
    expect(story.last).not.toHaveProperty("restorePoint");
  });

  test("a release that comes out once more gets a restore point of its own: the first one is old", () => {
    const story = upTo("v1.3.0");
    story.run("v1.4.0", { finishes: false });
    expect(story.last?.restorePoint).toBe("v1.4.0");
    story.run("v1.3.0", {
      data: { generation: 2, from: { point: "v1.4.0" } },
      change: { acceptLoss: "v1.4.0" },
    });
    story.run("v1.4.0", { change: { allowRetry: "repaired" } });
    expect(story.last?.restorePoint).toBe("v1.4.0.2");
  });

  test("data alone goes back when the release stays", () => {
    const { type, objective } = upTo("v1.4.0").run("v1.4.0", {
      data: { generation: 2, from: { latest: true } },
    });
    expect({ type, objective }).toEqual({ type: "database", objective: objectives.fullRollback });
  });

  test("all of it goes back in 15 minutes, to the schema of before", () => {
    const story = upTo("v1.4.0");
    const { type, objective } = story.run("v1.2.0", toPoint("v1.4.0"));
    expect({ type, objective }).toEqual({ type: "full", objective: objectives.fullRollback });
    expect(story.last?.schema.after).toEqual({ lowest: 3, highest: 3 });
    expect(story.last?.generation).toBe(2);
  });

  test("running it again is no change, finished or not", () => {
    const story = upTo("v1.3.0");
    expect(story.decision("v1.3.0")).toEqual({ verdict: "unchanged", record: story.state?.record });
    story.run("v1.2.0", { finishes: false });
    expect(story.decision("v1.2.0").verdict).toBe("unchanged");
  });
});

describe("a level that cannot work is refused with the reason and the commands that will", () => {
  test("code alone after a breaking migration", () => {
    const { reason, ways } = upTo("v1.4.0").refusal("v1.2.0");
    expect(reason).toContain("the database has schema version 4, v1.2.0 runs on 1 to 3");
    expect(ways.map(({ commands }) => commands)).toEqual([
      [
        "pulumi config set lifeline:release v1.2.0 --stack production",
        "pulumi config set --path 'lifeline:postgres.generations[1].storage' 100Gi --stack production",
        "pulumi config set --path 'lifeline:postgres.generations[1].from.point' v1.4.0 --stack production",
        "pulumi config set --path lifeline:change.release v1.2.0 --stack production",
        "pulumi config set --path lifeline:change.acceptLoss v1.4.0 --stack production",
        "pulumi up --stack production",
      ],
      [
        "npm run release -- new v1.4.1 --from v1.4.0 --image '<part>=<repository>@sha256:<digest>'",
        "pulumi config set lifeline:release v1.4.1 --stack production",
        "pulumi up --stack production",
      ],
    ]);
  });

  test("data that backups do not reach back to any more is not offered", () => {
    const { ways } = upTo("v1.4.0").days(7).refusal("v1.2.0");
    expect(ways.map(({ what }) => what)).toEqual([expect.stringContaining("go forward")]);
  });

  test("a repaired release gets a version that no other has", () => {
    const taken = { ...releaseOf("v1.4.0"), version: "v1.4.1" };
    const story = new Story([...releases, taken]).through("v1.0.0", "v1.3.0", "v1.4.0");
    expect(story.refusal("v1.3.0").ways.at(-1)?.commands[0]).toContain(
      "npm run release -- new v1.4.2 --from v1.4.0",
    );
  });

  test("it names the nearest release that runs on the live schema", () => {
    const { ways } = upTo("v1.3.0").refusal("v1.0.0");
    expect(ways.map(({ what }) => what)).toEqual([
      expect.stringContaining("restore point before v1.3.0"),
      expect.stringContaining("go back to v1.2.0"),
      expect.stringContaining("go forward"),
    ]);
    expect(ways[1]?.commands[0]).toBe(
      "pulumi config set lifeline:release v1.2.0 --stack production",
    );
  });

  test("a release that was taken back itself is no way out", () => {
    const story = upTo("v1.3.0");
    story.run("v1.2.0");
    story.run("v1.1.0");
    expect(story.refusal("v1.0.0").ways.map(({ what }) => what)).toEqual([
      expect.stringContaining("restore point before v1.3.0"),
      expect.stringContaining("go forward"),
    ]);
  });

  test("the commands it prints do work", () => {
    const story = upTo("v1.4.0");
    expect(story.refusal("v1.2.0").ways[0]?.commands).toHaveLength(6);
    expect(story.decision("v1.2.0", toPoint("v1.4.0")).verdict).toBe("go");
    expect(story.decision("v1.3.0", toPoint("v1.4.0")).verdict).toBe("go");
  });

  test.each([
    ["a restore without accepting the loss by name", {}, "everything written after 2026-01-05"],
    ["a loss accepted for another point", toPoint("v1.4.0", "v1.3.0"), "v1.4.0) would be lost"],
    ["a restore point that was never taken", toPoint("v1.2.0"), "no restore point v1.2.0"],
    ["data from nowhere", { data: { generation: 2 } }, "does not say where"],
    [
      "a time at which the schema was too new already",
      { data: { generation: 2, from: { time: "2026-01-05T12:00:00Z" } } },
      "has schema version 4, v1.2.0 runs on 1 to 3",
    ],
    [
      "a time before the first deployment",
      { data: { generation: 2, from: { time: "2025-01-01T00:00:00Z" } } },
      "before the first deployment",
    ],
  ])("%s", (_, step, reason) => {
    const filled = { data: { generation: 2, from: { point: "v1.4.0" } }, ...step };
    expect(upTo("v1.4.0").refusal("v1.2.0", filled).reason).toContain(reason);
  });

  test("a restore point outside of the restore window", () => {
    const story = upTo("v1.4.0").days(7);
    expect(story.refusal("v1.2.0", toPoint("v1.4.0")).reason).toContain("restorable for 7 days");
  });

  test("a data restore that leaves a schema its release does not run on", () => {
    const latest = { data: { generation: 2, from: { latest: true } as const } };
    expect(upTo("v1.4.0").refusal("v1.2.0", latest).reason).toContain("schema version 4");
  });

  test("fewer generations than were made, or one of another source", () => {
    const story = upTo("v1.3.0");
    story.run("v1.3.0", { data: { generation: 2, from: { latest: true } } });
    const { reason, ways } = story.refusal("v1.3.0", { data: { generation: 1 } });
    expect(reason).toBe("data generation 2 was begun, and the stack file ends with 1");
    expect(ways.map(({ commands }) => commands)).toEqual([
      ["git log -p Pulumi.production.yaml"],
      [
        "pulumi config set --path 'lifeline:postgres.generations[2].storage' 100Gi --stack production",
        "pulumi config set --path 'lifeline:postgres.generations[2].from.generation' 1 --stack production",
        "pulumi config set --path 'lifeline:postgres.generations[2].from.latest' true --stack production",
        "pulumi config set --path lifeline:change.release v1.3.0 --stack production",
        "pulumi config set --path lifeline:change.acceptLoss 'generation 2' --stack production",
        "pulumi up --stack production",
      ],
    ]);
    const other = { data: { generation: 2, from: { point: "v1.3.0" } } };
    expect(story.refusal("v1.3.0", other).reason).toBe(
      'data generation 2 was made of {"latest":true,"generation":1}, and the stack file says {"point":"v1.3.0","generation":1}',
    );
    const same = { data: { generation: 2, from: { latest: true } as const, of: 1 } };
    expect(story.decision("v1.3.0", same).verdict).toBe("unchanged");
    // A move to the other region asks for nothing else.
    const moved = { data: { ...same.data, region: "eu-west-1" } };
    expect(story.decision("v1.3.0", moved).verdict).toBe("unchanged");
  });

  test("a return to an earlier generation as it was left, without accepting what was written since", () => {
    const story = upTo("v1.3.0");
    story.run("v1.3.0", { data: { generation: 2, from: { latest: true }, of: 1 } });
    const back = { data: { generation: 3, from: { latest: true } as const, of: 1 } };
    const { reason, allowed } = story.refusal("v1.3.0", back);
    expect(reason).toContain("everything written after");
    expect(allowed).toContain("lifeline:change.acceptLoss: generation 2");
    const accepted = { ...back, change: { acceptLoss: "generation 2" } };
    expect(story.decision("v1.3.0", accepted).verdict).toBe("go");
    const never = { data: { generation: 3, from: { latest: true } as const, of: 0 } };
    expect(story.refusal("v1.3.0", never).reason).toContain(
      "nothing is known of data generation 0",
    );
  });

  test("a migration that stopped may or may not have changed the schema: its gate asks the database", () => {
    const story = upTo("v1.3.0");
    story.run("v1.4.0", { finishes: false });
    expect(story.run("v1.3.0")).toMatchObject({ type: "app" });
    expect(story.last?.schema).toEqual({
      during: { lowest: 3, highest: 4 },
      after: { lowest: 3, highest: 3 },
    });
  });
});

describe("a release file that changed", () => {
  const target = { ...releaseOf("v1.3.0"), config: { backend: {}, frontend: {} } };

  test("is refused under the name that it ran by", () => {
    const { reason, ways } = upTo("v1.3.0").refusal("v1.3.0", { target });
    expect(reason).toContain(
      "releases/v1.3.0.yaml was changed after ops deployed it on 2026-01-04",
    );
    expect(ways[1]?.commands[0]).toContain("npm run release -- new v1.3.1 --from v1.3.0");
  });

  test("is refused on the way back, too", () => {
    const { reason } = upTo("v1.4.0").refusal("v1.3.0", { ...toPoint("v1.4.0"), target });
    expect(reason).toContain("releases/v1.3.0.yaml was changed after ops deployed it");
  });

  test("is accepted with another note of what it was made with", () => {
    const noted = { ...releaseOf("v1.3.0"), madeWith: { packages: {} } };
    expect(upTo("v1.3.0").decision("v1.3.0", { target: noted }).verdict).toBe("unchanged");
  });
});

describe("a release that was taken back", () => {
  const takenBack = () => {
    const story = upTo("v1.3.0");
    story.run("v1.2.0", {
      change: { reason: "notes were lost", requestedBy: "ada", emergency: true },
    });
    return story;
  };

  test("is denied, telling when, by whom and why", () => {
    const { reason, ways } = takenBack().refusal("v1.3.0");
    expect(reason).toBe(
      "v1.3.0 was taken back on 2026-01-05T00:00:00.000Z by ada: notes were lost",
    );
    expect(ways.map(({ commands }) => commands.at(-2))).toEqual([
      "pulumi config set lifeline:release v1.3.1 --stack production",
      "pulumi config set --path lifeline:change.allowRetry '<what is different now>' --stack production",
    ]);
  });

  test("records who, when, type, reason and emergency", () => {
    expect(takenBack().last).toMatchObject({
      release: "v1.2.0",
      from: "v1.3.0",
      type: "app",
      by: "ada",
      at: "2026-01-05T00:00:00.000Z",
      reason: "notes were lost",
      emergency: true,
    });
  });

  test("stays denied when a run of another release lies between, and when it never finished", () => {
    const story = takenBack();
    story.run("v1.1.0");
    expect(story.decision("v1.3.0").verdict).toBe("refused");
    const interrupted = upTo("v1.2.0");
    interrupted.run("v1.3.0", { finishes: false });
    interrupted.run("v1.2.0", { finishes: false });
    expect(interrupted.decision("v1.3.0").verdict).toBe("refused");
  });

  test("comes out again for a reason, once", () => {
    const story = takenBack();
    const change = { allowRetry: "the node with the broken disk is gone" };
    story.run("v1.3.0", { change });
    expect(story.state?.record.denials).toMatchObject([{ lifted: { reason: change.allowRetry } }]);
    story.run("v1.2.0");
    expect(story.decision("v1.3.0", { change }).verdict).toBe("refused");
    expect(story.decision("v1.3.0", { change: { allowRetry: "a second one" } }).verdict).toBe("go");
  });

  test.each([
    ["a reason for another release", { ...releaseOf("v1.3.0") }, "v1.4.0", "really"],
    ["an empty reason", releaseOf("v1.3.0"), "v1.3.0", "  "],
  ])("does not come out for %s", (_, target, named, allowRetry) => {
    const story = takenBack();
    const situation = story.situation("v1.3.0", { target });
    expect(situation.target.version).toBe("v1.3.0");
    const change = { release: named, allowRetry };
    expect(decide({ ...situation, change }).verdict).toBe("refused");
  });

  test("is neither one that was left for a newer one, nor one whose data alone went back", () => {
    expect(upTo("v1.4.0").state?.record.denials).toEqual([]);
    const story = upTo("v1.4.0");
    story.run("v1.4.0", { data: { generation: 2, from: { latest: true } } });
    expect(story.state?.record.denials).toEqual([]);
  });
});
