import { suitesLeftOut } from "../../rehearsal/test.ts";
import { Problem, exitCode } from "../../rehearsal/problem.ts";

const suites = ["two regions", "the real engine", "the life of a rehearsal"];

function codeOf(work: () => unknown): number | undefined {
  try {
    work();
  } catch (error) {
    return error instanceof Problem ? error.code : undefined;
  }
  return undefined;
}

describe("suites that need root", () => {
  it("run for root", () => {
    expect(suitesLeftOut(suites, { isRoot: true, isCi: true })).toBeUndefined();
  });

  it("count as skipped for everyone else", () => {
    expect(suitesLeftOut(suites, { isRoot: false, isCi: false })).toEqual({
      passed: 0,
      failed: 0,
      skipped: 3,
    });
  });

  it("are not left out in CI: it ends before the first test, and says that it cannot run", () => {
    const leaveOut = () => suitesLeftOut(suites, { isRoot: false, isCi: true });
    const reason =
      /two regions, the real engine, the life of a rehearsal would be left out.*Fix: run it as root/;
    expect(leaveOut).toThrow(reason);
    expect(codeOf(leaveOut)).toBe(exitCode.cannotRun);
  });
});
