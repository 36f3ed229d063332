import { advise, type Observation } from "../../rollback/advice.ts";

const cases: readonly [string, Observation, string, RegExp][] = [
  ["a single pod that restarted", { restartedPods: 1 }, "hold", /how Kubernetes repairs/],
  [
    "one replica of three away",
    { readyPods: 2, desiredPods: 3 },
    "hold",
    /what the others are for/,
  ],
  [
    "slow answers without errors",
    { p95Milliseconds: 900, errorPercent: 1 },
    "hold",
    /slow and right/,
  ],
  ["a name that does not resolve", { nameNotResolved: true, errorPercent: 9 }, "hold", /TTL/],
  ["rows that somebody deleted", { dataMissing: true }, "fix forward", /does not bring rows back/],
  ["a missing secret", { secretMissing: true, crashLoopingPods: 3 }, "fix forward", /same Secret/],
  ["a wrong setting", { settingWrong: true, crashLoopingPods: 3 }, "fix forward", /stack file/],
  ["an invalid certificate", { certificateInvalid: true }, "fix forward", /not part of a release/],
  ["errors of two to five percent", { errorPercent: 3, errorMinutes: 30 }, "hold", /warnings/],
  ["growing queues", { queueGrowing: true }, "hold", /warnings/],
  ["errors that began now", { errorPercent: 20, errorMinutes: 1 }, "hold", /not for 5 minutes yet/],
  [
    "two crashing pods of five",
    { crashLoopingPods: 2, readyPods: 3, desiredPods: 5 },
    "hold",
    /others serve/,
  ],
  [
    "no release known to be good",
    { knownGoodRelease: false, dataCorrupted: true },
    "hold",
    /two things/,
  ],
  ["nothing", {}, "hold", /nothing/],
  [
    "errors above five percent for five minutes",
    { errorPercent: 5.1, errorMinutes: 5 },
    "roll back",
    /5 %/,
  ],
  [
    "three crashing pods",
    { crashLoopingPods: 3, readyPods: 2, desiredPods: 5 },
    "roll back",
    /stay up/,
  ],
  [
    "all pods crashing",
    { crashLoopingPods: 2, readyPods: 0, desiredPods: 2 },
    "roll back",
    /stay up/,
  ],
  [
    "no pod ready, whatever the pods do instead",
    { readyPods: 0, desiredPods: 3 },
    "roll back",
    /nobody is served/,
  ],
  ["pods that nobody counted as ready", { desiredPods: 3 }, "hold", /nothing/],
  ["two of three replicas away", { readyPods: 1, desiredPods: 3 }, "hold", /others serve/],
  ["errors of unknown age", { errorPercent: 80 }, "hold", /as far as is known/],
  ["four kills for memory", { outOfMemoryKillsIn5Minutes: 4 }, "roll back", /memory/],
  [
    "three failed health checks",
    { failedHealthChecksInARow: 3 },
    "roll back",
    /three health checks/,
  ],
  ["a failed smoke test", { smokeTestFailed: true }, "roll back", /before anybody/],
  ["a gateway that is down", { gatewayDown: true }, "roll back", /nobody reaches/],
  [
    "corrupted rows",
    { dataCorrupted: true, p95Milliseconds: 900 },
    "roll back",
    /rows are written wrongly/,
  ],
  [
    "a migration that failed",
    { migration: "failed during its change" },
    "roll back",
    /one transaction/,
  ],
  [
    "a migration that failed late",
    { migration: "failed after its change" },
    "roll back",
    /decides the level/,
  ],
  ["a breach", { breach: true, knownGoodRelease: false }, "roll back", /inside/],
];

test.each(cases)("%s", (_, seen, verdict, reason) => {
  expect(advise(seen)).toMatchObject({
    verdict,
    reason: expect.stringMatching(reason),
    next: expect.stringMatching(/\w{4}/),
  });
});
