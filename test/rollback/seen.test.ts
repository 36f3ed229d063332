import { adviceFor } from "../../rollback/release/seen.ts";

/** When to go back and when not, as the team's runbook has it, typed by somebody who sees it. */
const runbook: readonly [string, string, RegExp][] = [
  ["migration=failed during its change", "roll back (migration failed", /one transaction/],
  ["migration=failed after its change", "roll back (migration failed", /decides the level/],
  ["crashLoopingPods=3", "roll back (crash loop)", /do not stay up/],
  ["gatewayDown", "roll back (gateway down)", /nobody reaches/],
  ["breach", "roll back (breach)", /somebody is inside/],
  ["errorPercent=5.5 errorMinutes=5", "roll back (errors)", /more than 5 %/],
  ["dataCorrupted", "roll back (corrupted data)", /wrongly/],
  ["crashLoopingPods=2 readyPods=0 desiredPods=2", "roll back (crash loop)", /do not stay up/],
  ["restartedPods=1", "hold (single restart)", /how Kubernetes repairs/],
  ["p95Milliseconds=900 errorPercent=4", "hold (latency only)", /slow and right/],
  ["nameNotResolved", "hold (name not resolved)", /no release is involved/],
  ["readyPods=2 desiredPods=3", "hold (single replica)", /what the others are for/],
  ["crashLoopingPods=2 readyPods=3 desiredPods=5", "hold (some pods crash)", /others serve/],
  ["dataMissing", "fix forward (missing data)", /does not bring rows back/],
  ["secretMissing crashLoopingPods=3", "fix forward (missing secret)", /reads the same Secret/],
  ["settingWrong", "fix forward (wrong setting)", /does not go back with a release/],
  ["knownGoodRelease=false crashLoopingPods=3", "hold (no known good release)", /as bad/],
];

test.each(runbook)("%s: %s, with the reason and what to do", (seen, verdict, reason) => {
  // One observation holds spaces; it stands alone.
  const typed = seen.startsWith("migration") ? [seen] : seen.split(" ");
  const [first = "", next = ""] = adviceFor(typed).split("\n");
  expect(first).toContain(verdict);
  expect(first).toMatch(reason);
  expect(next).toMatch(/^ {2}next: \w+ \w+/);
});

test("says so where the commands that follow are not what is advised", () => {
  expect(adviceFor(["restartedPods=1"])).toMatch(/all the same:$/);
  expect(adviceFor(["breach"])).not.toContain("all the same");
});

test.each([
  ["crashloopingPods=3", /one of errorPercent, .*crashLoopingPods/],
  ["errorPercent=high", /errorPercent=a number/],
  ["breach=yes", /breach=true or false/],
  ["migration=failed", /migration=failed before its change, or failed during/],
])("refuses %s, which nobody would notice to be ignored", (seen, allowed) => {
  expect(() => adviceFor([seen])).toThrow(allowed);
});
