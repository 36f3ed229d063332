import { withoutRefused } from "../../rollback/record.ts";
import { Story } from "./story.ts";

const restore = {
  data: { generation: 2, from: { point: "v1.4.0" } },
  change: { acceptLoss: "v1.4.0", allowRetry: "the cause is gone" },
  finishes: false,
};

/** A stack on v1.4.0 that came from v1.3.0, which was taken back once. */
function stack(): Story {
  const story = new Story().through("v1.2.0", "v1.3.0");
  story.run("v1.2.0");
  story.run("v1.4.0");
  return story;
}

describe("a restore that was refused before anything of it was begun", () => {
  test("leaves no trace: nothing is denied by it, and what was denied stays so", () => {
    const story = stack();
    const before = story.recorded;
    story.run("v1.3.0", restore);
    expect(story.recorded.denials).not.toEqual(before.denials);
    const { record } = withoutRefused(story.state!, 1);
    expect(record.denials).toEqual(before.denials);
    expect(record.deployments.map(({ release }) => release)).toEqual(
      before.deployments.map(({ release }) => release),
    );
  });

  test("and one that was begun stays, as does one that came to its end", () => {
    const story = stack();
    story.run("v1.3.0", restore);
    expect(withoutRefused(story.state!, 2)).toBe(story.state);
    const finished = { ...story.state!, finished: story.last!.number };
    expect(withoutRefused(finished, 1)).toBe(finished);
  });
});
