import { join } from "node:path";
import { failuresInWords } from "../../rehearsal/jest.ts";
import { repository } from "../../rehearsal/paths.ts";

const file = join(repository, "test/e2e/stop.test.ts");
const failed = (fullName: string, message: string) => ({
  status: "failed",
  fullName,
  failureMessages: [message],
});

describe("failures of a test run in words", () => {
  it("name file and test, with the message as plain text", () => {
    const passed = { status: "passed", fullName: "starts", failureMessages: [] };
    const words = failuresInWords({
      testResults: [
        {
          name: file,
          message: "",
          assertionResults: [passed, failed("stops", "\u001b[31mno\u001b[39m\n  at here")],
        },
      ],
    });
    expect(words).toBe("FAILED test/e2e/stop.test.ts: stops\n    no\n      at here");
  });

  it("tell of what failed after all tests", () => {
    const passed = { status: "passed", fullName: "stops", failureMessages: [] };
    const whole = { name: file, message: "stop failed", assertionResults: [passed] };
    expect(failuresInWords({ testResults: [whole] })).toBe(
      "FAILED test/e2e/stop.test.ts as a whole\n    stop failed",
    );
  });

  it("tell why a file does not run at all", () => {
    const broken = { name: file, message: "SyntaxError: no", assertionResults: [] };
    expect(failuresInWords({ testResults: [broken] })).toBe(
      "FAILED test/e2e/stop.test.ts as a whole\n    SyntaxError: no",
    );
  });

  it("stay short: heads of long messages, and only names after many", () => {
    const long = Array.from({ length: 50 }, (_, line) => `line ${String(line)}`).join("\n");
    const results = Array.from({ length: 30 }, (_, index) => failed(`test ${String(index)}`, long));
    const words = failuresInWords({
      testResults: [{ name: file, message: "", assertionResults: results }],
    }).split("\n");
    expect(words).toContain("FAILED test/e2e/stop.test.ts: test 29");
    expect(words).toContain("    … 20 lines more");
    expect(words).not.toContain("    line 30");
    expect(words).toHaveLength(20 * 32 + 10);
  });
});
