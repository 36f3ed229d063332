import type { Settings } from "../../rollback/settings.ts";
import { inOneLine, waysAround, waysBack } from "../../rollback/ways-back.ts";
import { releaseOf, releases, Story, type Step } from "./story.ts";

/** What is said of the way back in a run that goes to `version`. */
function ways(story: Story, version: string, now: Settings = {}, step: Step = {}) {
  const decision = story.decision(version, step);
  if (decision.verdict === "refused") throw new Error(decision.reason);
  return waysBack(story.situation(version, step), decision.record, now);
}

const lines = (...args: Parameters<typeof ways>) => ways(...args).map(inOneLine);
const deploy = (release: string) =>
  `pulumi config set lifeline:release ${release} --stack production && pulumi up --stack production`;

test("around a restore that is refused leads what runs now", () => {
  const story = new Story().through("v1.3.0", "v1.4.0");
  const data = { generation: 2, from: { point: "v1.4.0" } };
  const [leave = "", retry = ""] = waysAround(story.situation("v1.3.0", { data })).map(inOneLine);
  expect(leave).toBe(
    `pulumi config rm --path 'lifeline:postgres.generations[1]' --stack production && ${deploy("v1.4.0")}`,
  );
  expect(retry).toMatch(
    /generations\[1\]\.from' .*from\.point' '<point>' .*acceptLoss '<point>' .*up/,
  );
});

test("around a restore there is no way where nothing is as it was", () => {
  const data = { generation: 2, from: { point: "v1.4.0" } };
  expect(waysAround(new Story().situation("v1.3.0", { data }))).toEqual([]);
  const stopped = new Story().through("v1.3.0");
  stopped.run("v1.4.0", { finishes: false });
  expect(waysAround(stopped.situation("v1.3.0", { data }))).toEqual([]);
  const made = new Story().through("v1.3.0");
  made.run("v1.3.0", { data: { generation: 2, from: { latest: true } } });
  expect(waysAround(made.situation("v1.3.0"))).toEqual([]);
});

test("there is none before the first release", () => {
  expect(ways(new Story(), "v1.0.0")).toEqual([]);
});

test("one line leads to the release that runs", () => {
  expect(lines(new Story().through("v1.0.0"), "v1.1.0")).toEqual([deploy("v1.0.0")]);
});

test("a release that stopped is never gone back to, however often one was tried", () => {
  const story = new Story().through("v1.0.0");
  story.run("v1.1.0", { finishes: false });
  expect(lines(story, "v1.2.0")).toEqual([deploy("v1.0.0")]);
});

const retry = (release: string) =>
  `pulumi config set --path lifeline:change.release ${release} --stack production && pulumi config set --path lifeline:change.allowRetry '<what is different now>' --stack production && pulumi up --stack production`;

test("a rollback that stops itself is run again: what ran before was taken back, and comes out with a reason only", () => {
  const story = new Story().through("v1.0.0", "v1.1.0");
  const [first, ...more] = ways(story, "v1.0.0");
  expect(first).toMatchObject({
    what: expect.stringMatching(/v1\.1\.0, was taken back/),
    commands: ["pulumi up --stack production"],
  });
  expect(more.map(inOneLine)).toEqual([retry("v1.1.0")]);
});

test("a rollback that stops itself may go to another release that ran before, as far as the schema allows", () => {
  const story = new Story().through("v1.0.0", "v1.1.0", "v1.2.0");
  expect(lines(story, "v1.1.0")).toEqual([
    "pulumi up --stack production",
    deploy("v1.0.0"),
    retry("v1.2.0"),
  ]);
  const migrated = new Story().through("v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0");
  // v1.0.0 runs on schema 1 alone.
  expect(lines(migrated, "v1.2.0")[1]).toBe(deploy("v1.1.0"));
  expect(lines(migrated, "v1.1.0")[1]).toBe(deploy("v1.2.0"));
});

test("where a migration may have changed the schema, the way with the data follows, exact", () => {
  const story = new Story().through("v1.1.0", "v1.2.0", "v1.3.0");
  const [first = "", second = "", ...more] = lines(story, "v1.4.0");
  expect(first).toBe(deploy("v1.3.0"));
  expect(second).toContain("lifeline:release v1.3.0");
  expect(second).toContain("from.point' v1.4.0");
  expect(second).toContain("acceptLoss v1.4.0");
  expect(more).toEqual([]);
  // A migration that the release before runs on needs no such way.
  expect(lines(new Story().through("v1.1.0", "v1.2.0"), "v1.3.0")).toEqual([deploy("v1.2.0")]);
});

test("the way with the data is still told when the first one has stopped at the schema", () => {
  const story = new Story().through("v1.1.0", "v1.2.0", "v1.3.0");
  story.run("v1.4.0", { finishes: false });
  const [first, second = ""] = lines(story, "v1.3.0");
  expect(first).toBe("pulumi up --stack production");
  expect(second).toContain("from.point' v1.4.0");
});

describe("settings", () => {
  const kept = (story: Story, settings: Settings) => {
    if (story.state !== undefined) story.state = { ...story.state, settings };
    return story;
  };
  const host = "pulumi config set --path lifeline:host acme.test --stack production";

  test("that were changed with the release go back in the same line", () => {
    const story = kept(new Story().through("v1.0.0"), { host: "acme.test" });
    expect(lines(story, "v1.1.0", { host: "wrong.test" })).toEqual([
      deploy("v1.0.0").replace(" && pulumi up", ` && ${host} && pulumi up`),
    ]);
  });

  test("that were changed alone go back alone", () => {
    const story = kept(new Story().through("v1.0.0"), { host: "acme.test" });
    expect(lines(story, "v1.0.0", { host: "wrong.test" })).toEqual([
      `${host} && pulumi up --stack production`,
    ]);
    expect(ways(story, "v1.0.0", { host: "acme.test" })[0]?.what).toMatch(
      /neither the release nor a setting/,
    );
  });
});

test("a move of the write role that stops is run again, and never taken back", () => {
  const story = new Story().through("v1.0.0");
  if (story.state !== undefined)
    story.state = { ...story.state, settings: { activeRegion: "eu-north-1" } };
  expect(lines(story, "v1.0.0", { activeRegion: "eu-west-1" })).toEqual([
    "pulumi up --stack production",
  ]);
  expect(lines(story, "v1.1.0", { activeRegion: "eu-west-1" })).toEqual([deploy("v1.0.0")]);
});

test("a release whose file is gone is named", () => {
  const story = new Story().through("v1.0.0");
  const situation = { ...story.situation("v1.1.0"), releases: releases.slice(1) };
  const decision = story.decision("v1.1.0");
  if (decision.verdict !== "go") throw new Error(decision.verdict);
  expect(waysBack(situation, decision.record, {})[0]?.what).toMatch(/releases\/v1\.0\.0\.yaml/);
});

test("where the program was another one, its commit is named", () => {
  const made = (version: string, commit: string) => ({
    ...releaseOf(version),
    madeWith: { commit, packages: {} },
  });
  const known = [made("v1.0.0", "a".repeat(40)), made("v1.1.0", "b".repeat(40))];
  const story = new Story(known).through("v1.0.0");
  // That commit has neither the release's own file, which was written from it, nor what the stack file says by now.
  expect(ways(story, "v1.1.0")[0]?.what).toContain(
    `git checkout ${"a".repeat(40)} -- . ':!releases' ':!Pulumi.*.yaml' && npm install`,
  );
});
