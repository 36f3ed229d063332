import { statedFor } from "../../rollback/change.ts";
import { Story } from "./story.ts";

const change = { reason: "logins fail", requestedBy: "ada", emergency: true };

/** Back on v1.1.0 for a reason, which is left in the stack file, and on v1.2.0 again. */
function later(): Story {
  const story = new Story().through("v1.0.0", "v1.1.0", "v1.2.0");
  story.run("v1.1.0", { change });
  story.run("v1.2.0", { change: { allowRetry: "the provider was down" } });
  return story;
}

describe("what a stack file says of a change is recorded once", () => {
  test("when it is said", () => {
    const story = new Story().through("v1.0.0", "v1.1.0", "v1.2.0");
    expect(statedFor(story.situation("v1.1.0", { change }))).toMatchObject(change);
    story.run("v1.1.0", { change });
    const { requestedBy, ...said } = change;
    expect(story.last).toMatchObject({ ...said, by: requestedBy });
  });

  test("and is not taken for the next deployment of the same release", () => {
    const story = later();
    expect(statedFor(story.situation("v1.1.0", { change }))).toEqual({});
    story.run("v1.1.0", { change });
    expect(story.last).toMatchObject({ release: "v1.1.0", by: "ops" });
    expect(story.last).not.toHaveProperty("reason");
    expect(story.last).not.toHaveProperty("emergency");
    expect(story.recorded.denials.at(-1)).not.toHaveProperty("reason");
  });

  test.each([
    ["another reason", { reason: "logins fail again" }],
    ["somebody else", { requestedBy: "grace" }],
    ["no emergency any more", { emergency: false }],
  ])("but is, when one word of it is new: %s", (_, words) => {
    const said = { ...change, ...words };
    const story = later();
    story.run("v1.1.0", { change: said });
    expect(story.last).toMatchObject({ by: said.requestedBy, reason: said.reason });
  });

  test("and is new beside a new reason to let out what was taken back", () => {
    const story = new Story().through("v1.0.0");
    story.run("v1.1.0", { change });
    story.run("v1.0.0");
    story.run("v1.1.0", { change: { ...change, allowRetry: "repaired outside" } });
    expect(story.last).toMatchObject({ by: "ada", reason: "logins fail" });
  });
});
