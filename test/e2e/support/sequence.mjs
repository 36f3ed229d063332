import { basename } from "node:path";
import Sequencer from "@jest/test-sequencer";

/** Files that share one rehearsal, in the order in which it lives through them; the last one takes it down. */
const life = [
  ...["go-live", "database", "database-faults", "drill", "broken-release", "rollback", "restore"],
  "stop",
];

/** Runs files that stand for themselves first, then those that share the rehearsal. */
export default class Sequence extends Sequencer {
  sort(tests) {
    const place = ({ path }) => life.indexOf(basename(path, ".test.ts"));
    return [...super.sort(tests)].sort((one, other) => place(one) - place(other));
  }
}
