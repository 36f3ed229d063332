import { stripVTControlCharacters } from "node:util";

/** Longest beginning of a failure; the whole of it follows at the end. */
const shownCharacters = 300;

const inOneLine = (message) =>
  stripVTControlCharacters(message).replace(/\s+/g, " ").slice(0, shownCharacters);

/** Below this, what came of a test is in the counts only. */
const longMs = 10_000;

/** Says which test is at work, and what came of a long or a failed one, for who watches; rehearsal/jest.ts reads it. */
export default class NamesReporter {
  onTestCaseStart(_test, { fullName }) {
    process.stderr.write(`begins: ${fullName}\n`);
  }

  onTestCaseResult(_test, { fullName, status, duration, failureMessages }) {
    if (duration < longMs && status !== "failed") return;
    const seconds = (duration / 1000).toFixed(0);
    const why = failureMessages.map((message) => `: ${inOneLine(message)}`).join("");
    process.stderr.write(`ended: ${status} after ${seconds} s: ${fullName}${why}\n`);
  }
}
