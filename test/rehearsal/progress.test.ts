/**
 * Its timers are false, and must not be those of the process.
 * @jest-environment node
 */
import { jest } from "@jest/globals";
import { listener } from "../../rehearsal/jest.ts";
import { type Task, runLanes, runTasks } from "../../rehearsal/progress.ts";

const lines: string[] = [];
beforeEach(() => {
  lines.length = 0;
  jest.useFakeTimers();
  jest.spyOn(process.stderr, "write").mockImplementation((text) => lines.push(String(text)) > 0);
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** What was logged, without the seconds. */
const logged = () => lines.map((line) => line.replace(/ \(\d+\.\d s\)\n$|\n$/, ""));

describe("a log that is not a terminal", () => {
  it("hears within 20 s what a task is doing, and of the same again after 2 minutes only", async () => {
    await runTasks([
      {
        title: "tests",
        run: async ({ status }) => {
          status("first");
          await jest.advanceTimersByTimeAsync(100_000);
          status("second");
          await jest.advanceTimersByTimeAsync(140_000);
          return "done";
        },
      },
    ]);
    expect(logged()).toEqual([
      "...  tests",
      "     tests: first",
      "     tests: second",
      "     tests: second",
      "ok   tests: done",
    ]);
  });

  it("keeps what came of each part", async () => {
    const run = ({ note }: { readonly note?: (text: string) => void }) => {
      note?.("one went well");
      return Promise.resolve("done");
    };
    await runTasks([{ title: "tests", run }]);
    expect(logged()).toEqual(["...  tests", "     tests: one went well", "ok   tests: done"]);
  });
});

describe("tasks side by side", () => {
  it("have ended when the run does, and none begins after one has failed", async () => {
    const happened: string[] = [];
    const task = (title: string, seconds: number, fails = false) => ({
      title,
      run: async () => {
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        happened.push(title);
        if (fails) throw new Error(`${title} failed`);
        return "done";
      },
    });
    const ended = runTasks([task("short", 1, true), task("long", 5), task("later", 1)], 2);
    const failure = ended.catch((error: unknown) => {
      happened.push("the run ended");
      return error;
    });
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await failure).toEqual(new Error("short failed"));
    expect(happened).toEqual(["short", "long", "the run ended"]);
  });
});

describe("the output of a test run", () => {
  it("tells the test at work, what its command says, and what came of long ones", () => {
    const heard: string[] = [];
    const hear = listener({
      status: (text) => heard.push(`status ${text}`),
      note: (text) => heard.push(`note ${text}`),
    });
    for (const line of ["begins: it starts", "says: images", "  says: no", "PASS file"]) hear(line);
    hear("ended: passed after 12 s: it starts");
    expect(heard).toEqual([
      "status it starts",
      "status it starts: images",
      "note passed after 12 s: it starts",
    ]);
  });
});

describe("lanes", () => {
  const task = (title: string, milliseconds: number, trouble?: string): Task => ({
    title,
    run: async () => {
      await jest.advanceTimersByTimeAsync(0);
      for (let left = milliseconds; left > 0; left -= 1) await Promise.resolve();
      if (trouble !== undefined) throw new Error(trouble);
      return "done";
    },
  });

  it("run beside each other, each in its order; one that fails ends its own lane, and the other is waited for", async () => {
    const lanes = runLanes(
      [task("a1", 10, "broken"), task("a2", 1)],
      [task("b1", 50), task("b2", 50)],
    );
    await expect(lanes).rejects.toThrow("broken");
    expect(logged()).toEqual([
      ...["...  a1", "...  b1", "FAIL a1"],
      ...["ok   b1: done", "...  b2", "ok   b2: done"],
    ]);
  });
});
