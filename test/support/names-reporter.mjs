/** Below this, what came of a test is in the counts only. */
const longMs = 10_000;

/** Says which test is at work, and what came of a long one, for who watches; rehearsal/jest.ts reads it. */
export default class NamesReporter {
  onTestCaseStart(_test, { fullName }) {
    process.stderr.write(`begins: ${fullName}\n`);
  }

  onTestCaseResult(_test, { fullName, status, duration }) {
    if (duration >= longMs || status === "failed")
      process.stderr.write(
        `ended: ${status} after ${(duration / 1000).toFixed(0)} s: ${fullName}\n`,
      );
  }
}
