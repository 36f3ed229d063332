import type { Release } from "../../config/release.ts";
import type { ChangeRequest, DataTarget, Situation } from "../../rollback/change.ts";
import { decide, type Decision, type Refusal } from "../../rollback/decide.ts";
import { lastDeployment, type DeploymentRecord, type RecordState } from "../../rollback/record.ts";

const digest = (letter: string) => `images.test/acme@sha256:${letter.repeat(64)}`;

function release(
  version: string,
  letter: string,
  schema: Release["schema"],
  level = "info",
): Release {
  return {
    version,
    images: { backend: digest(letter), frontend: digest(letter), migrations: digest(letter) },
    config: { backend: { LOG_LEVEL: level }, frontend: {} },
    schema,
  };
}

/** The life of a product: code, configuration, a compatible migration, one that breaks. */
export const releases: readonly Release[] = [
  release("v1.0.0", "0", { min: 1, max: 1, target: 1 }),
  release("v1.1.0", "1", { min: 1, max: 3, target: 1 }),
  release("v1.2.0", "1", { min: 1, max: 3, target: 1 }, "debug"),
  release("v1.3.0", "3", { min: 3, max: 3, target: 3 }, "debug"),
  release("v1.4.0", "4", { min: 4, max: 4, target: 4 }, "debug"),
];

export const releaseOf = (version: string, among = releases): Release => {
  const found = among.find((it) => it.version === version);
  if (found === undefined) throw new Error(`the story has no ${version}`);
  return found;
};

export interface Step {
  readonly change?: Omit<ChangeRequest, "release">;
  readonly data?: Partial<DataTarget>;
  /** False for a run that began and stopped. */
  readonly finishes?: boolean;
  readonly target?: Release;
}

/** One stack, run after run; a day passes between two. */
export class Story {
  state: RecordState | undefined;
  readonly #releases: readonly Release[];
  #day = 0;
  #generation = 1;

  constructor(known: readonly Release[] = releases) {
    this.#releases = known;
  }

  situation(version: string, { change, data, target }: Step = {}): Situation {
    return {
      stack: "production",
      target: target ?? releaseOf(version, this.#releases),
      releases: this.#releases,
      state: this.state,
      data: { generation: this.#generation, storage: "100Gi", region: "eu-north-1", ...data },
      change: change && { release: version, ...change },
      restoreWindowDays: 7,
      now: new Date(Date.UTC(2026, 0, 1 + this.#day)),
      user: "ops",
    };
  }

  /** What a run would decide; nothing is recorded. */
  decision(version: string, step?: Step): Decision {
    return decide(this.situation(version, step));
  }

  /** Runs; the decision must be to go. */
  run(version: string, step: Step = {}): Extract<Decision, { verdict: "go" }> {
    const decision = this.decision(version, step);
    if (decision.verdict !== "go") throw new Error(`${version}: ${JSON.stringify(decision)}`);
    const { number, generation } = decision.deployment;
    const finished = step.finishes === false ? (this.state?.finished ?? 0) : number;
    this.state = { record: decision.record, finished };
    this.#generation = generation;
    this.#day += 1;
    return decision;
  }

  /** Runs that all go well. */
  through(...versions: readonly string[]): this {
    for (const version of versions) this.run(version);
    return this;
  }

  days(count: number): this {
    this.#day += count;
    return this;
  }

  refusal(version: string, step?: Step): Refusal {
    const decision = this.decision(version, step);
    if (decision.verdict !== "refused") throw new Error(`${version} goes: ${decision.verdict}`);
    return decision;
  }

  get recorded(): DeploymentRecord {
    if (this.state === undefined) throw new Error("nothing was run");
    return this.state.record;
  }

  get last() {
    return this.state && lastDeployment(this.state);
  }
}
