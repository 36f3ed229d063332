/** Numbers of a bad night. */
interface Counts {
  /** Answers with 5xx, in percent of all. */
  readonly errorPercent: number;
  /** Minutes for which the errors have lasted. */
  readonly errorMinutes: number;
  readonly p95Milliseconds: number;
  readonly crashLoopingPods: number;
  /** Pods that restarted once and run again. */
  readonly restartedPods: number;
  readonly readyPods: number;
  readonly desiredPods: number;
  readonly outOfMemoryKillsIn5Minutes: number;
  readonly failedHealthChecksInARow: number;
}

/** What somebody sees; what nobody looked at is left out. */
export interface Observation extends Partial<Counts> {
  /** Queues grow or caches miss. */
  readonly queueGrowing?: boolean;
  readonly smokeTestFailed?: boolean;
  readonly gatewayDown?: boolean;
  readonly breach?: boolean;
  /** Wrong or inconsistent rows, written by the release or its migration. */
  readonly dataCorrupted?: boolean;
  /** Rows that a person or another program deleted. */
  readonly dataMissing?: boolean;
  readonly migration?:
    "failed before its change" | "failed during its change" | "failed after its change";
  readonly nameNotResolved?: boolean;
  readonly certificateInvalid?: boolean;
  readonly secretMissing?: boolean;
  readonly settingWrong?: boolean;
  /** False when there is no earlier release that is known to work. */
  readonly knownGoodRelease?: boolean;
}

export type Verdict = "roll back" | "hold" | "fix forward";

export interface Advice {
  readonly verdict: Verdict;
  /** Short name of the rule, for records. */
  readonly rule: string;
  readonly reason: string;
  /** What to do now. */
  readonly next: string;
}

interface Rule extends Advice {
  readonly applies: (seen: Observation & Counts) => boolean;
}

const errorLimitPercent = 5;
const errorLimitMinutes = 5;
const warningPercent = 2;

const isErroring = ({ errorPercent, errorMinutes }: Counts): boolean =>
  errorPercent > errorLimitPercent && errorMinutes >= errorLimitMinutes;

/** The first rule that applies decides: what destroys data comes before what only hurts. */
const rules: readonly Rule[] = [
  {
    rule: "breach",
    applies: ({ breach }) => breach === true,
    verdict: "roll back",
    reason: "somebody is inside through this release",
    next: "go back as an emergency, keep the pods' logs, rotate the secrets",
  },
  {
    rule: "no known good release",
    applies: ({ knownGoodRelease }) => knownGoodRelease === false,
    verdict: "hold",
    reason: "going back to a release that may be as bad changes two things at once",
    next: "page a second engineer; stop writers if data is at risk; keep every log",
  },
  {
    rule: "corrupted data",
    applies: ({ dataCorrupted }) => dataCorrupted === true,
    verdict: "roll back",
    reason: "every minute more rows are written wrongly, and earlier code does not repair them",
    next: "go back together with the data, to the restore point before the release",
  },
  {
    rule: "missing data",
    applies: ({ dataMissing }) => dataMissing === true,
    verdict: "fix forward",
    reason:
      "earlier code does not bring rows back, and a restore of everything loses what was written since",
    next: "restore beside the running database, to the time before the loss, and copy the rows over",
  },
  {
    rule: "migration failed before or during its change",
    applies: ({ migration }) =>
      migration === "failed before its change" || migration === "failed during its change",
    verdict: "roll back",
    reason:
      "each migration is one transaction: the schema is the one of before, and the earlier release runs on it",
    next: "go back to the earlier release; the data stays",
  },
  {
    rule: "migration failed after its change",
    applies: ({ migration }) => migration === "failed after its change",
    verdict: "roll back",
    reason: "the schema has changed: whether the earlier code runs on it decides the level",
    next: "set the earlier release and preview; the program demands the restore if it needs one",
  },
  {
    rule: "name not resolved",
    applies: ({ nameNotResolved }) => nameNotResolved === true,
    verdict: "hold",
    reason:
      "no release is involved in resolving names, and a wrong answer lives as long as its TTL",
    next: "correct the records, wait for one TTL, ask two resolvers",
  },
  {
    rule: "missing secret",
    applies: ({ secretMissing }) => secretMissing === true,
    verdict: "fix forward",
    reason:
      "an earlier release that reads the same Secret would fail alike with its new pods, while running ones still serve",
    next: "restore the secret at its source; the waiting pods start by themselves. Where the release brought a version of its own (secrets.app in its file), go back instead",
  },
  {
    rule: "invalid certificate",
    applies: ({ certificateInvalid }) => certificateInvalid === true,
    verdict: "fix forward",
    reason: "certificates are not part of a release: the earlier one serves the same",
    next: "look at the Certificate's events; issue it again",
  },
  {
    rule: "wrong setting",
    applies: ({ settingWrong }) => settingWrong === true,
    verdict: "fix forward",
    reason:
      "the stack file does not go back with a release: the earlier one would get the same setting",
    next: "correct the stack file and run the program again",
  },
  {
    rule: "gateway down",
    applies: ({ gatewayDown }) => gatewayDown === true,
    verdict: "roll back",
    reason: "nobody reaches the product",
    next: "go back to the earlier release, if this run changed the entry; else repair the controller",
  },
  {
    rule: "smoke test failed",
    applies: ({ smokeTestFailed }) => smokeTestFailed === true,
    verdict: "roll back",
    reason: "the release does not do what it has to, before anybody says so",
    next: "go back to the earlier release",
  },
  {
    rule: "crash loop",
    applies: ({ crashLoopingPods, readyPods, desiredPods }) =>
      crashLoopingPods > 2 || (crashLoopingPods > 0 && desiredPods > 0 && readyPods === 0),
    verdict: "roll back",
    reason: "pods of this release do not stay up",
    next: "go back to the earlier release",
  },
  {
    rule: "no pod ready",
    applies: ({ readyPods, desiredPods }) => desiredPods > 0 && readyPods === 0,
    verdict: "roll back",
    reason: "no pod of this release is ready: nobody is served",
    next: "go back to the earlier release; the events of the pods say why",
  },
  {
    rule: "errors",
    applies: isErroring,
    verdict: "roll back",
    reason: `more than ${String(errorLimitPercent)} % of answers have been errors for ${String(errorLimitMinutes)} minutes`,
    next: "go back to the earlier release",
  },
  {
    rule: "unavailable",
    applies: ({ failedHealthChecksInARow }) => failedHealthChecksInARow >= 3,
    verdict: "roll back",
    reason: "three health checks in a row failed",
    next: "go back to the earlier release",
  },
  {
    rule: "memory",
    applies: ({ outOfMemoryKillsIn5Minutes }) => outOfMemoryKillsIn5Minutes > 3,
    verdict: "roll back",
    reason:
      "more than three pods were killed for memory within five minutes: the release leaks or needs more",
    next: "go back to the earlier release; raise the limit with the next one",
  },
  {
    rule: "some pods crash",
    applies: ({ crashLoopingPods }) => crashLoopingPods > 0,
    verdict: "hold",
    reason: "up to two pods crash while others serve: often a node or a start that raced",
    next: "look again in two minutes; read the logs of the crashed pod",
  },
  {
    rule: "young errors",
    applies: ({ errorPercent }) => errorPercent > errorLimitPercent,
    verdict: "hold",
    reason: `errors are above ${String(errorLimitPercent)} %, but as far as is known not for ${String(errorLimitMinutes)} minutes yet`,
    next: "find the failing route; say how many minutes they have lasted (errorMinutes), and go back when they last",
  },
  {
    rule: "single restart",
    applies: ({ restartedPods }) => restartedPods === 1,
    verdict: "hold",
    reason: "one pod that restarts is how Kubernetes repairs; the others carried the traffic",
    next: "read the log of its previous container",
  },
  {
    rule: "single replica",
    applies: ({ readyPods, desiredPods }) => desiredPods > 1 && readyPods === desiredPods - 1,
    verdict: "hold",
    reason: "one replica of several is away: that is what the others are for",
    next: "wait until it is ready again; drain its node if it stays away",
  },
  {
    rule: "replicas missing",
    applies: ({ readyPods, desiredPods }) => readyPods < desiredPods,
    verdict: "hold",
    reason:
      "several replicas are away while others serve: a rollback starts as many pods, on the same nodes",
    next: "read the events of the pods that are away; go back when errors follow, or when it is the release that keeps them away",
  },
  {
    rule: "latency only",
    applies: ({ p95Milliseconds }) => p95Milliseconds > 200,
    verdict: "hold",
    reason:
      "answers are slow and right: a rollback restarts every pod and makes caches cold, in the middle of the load",
    next: "raise maxReplicas or find the slow query; go back when errors follow",
  },
  {
    rule: "warning signs",
    applies: ({ errorPercent, queueGrowing }) =>
      errorPercent >= warningPercent || queueGrowing === true,
    verdict: "hold",
    reason: "warnings ask for a look, not for a rollback",
    next: "compare with the baseline from before the release",
  },
];

/** What to do about what is seen, and why. Nothing seen is no reason to go back. */
export function advise(seen: Observation): Advice {
  const unseen: Counts = {
    errorPercent: 0,
    errorMinutes: 0,
    p95Milliseconds: 0,
    crashLoopingPods: 0,
    restartedPods: 0,
    // Where nobody looked, none is missed.
    readyPods: Infinity,
    desiredPods: 0,
    outOfMemoryKillsIn5Minutes: 0,
    failedHealthChecksInARow: 0,
  };
  const found = rules.find(({ applies }) => applies({ ...unseen, ...seen }));
  if (found === undefined) {
    return {
      verdict: "hold",
      rule: "nothing seen",
      reason: "nothing of what was looked at speaks against the release",
      next: "keep watching",
    };
  }
  const { verdict, rule, reason, next } = found;
  return { verdict, rule, reason, next };
}
