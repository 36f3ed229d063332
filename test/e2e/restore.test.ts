import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { containerId } from "../../rehearsal/faults/containers.ts";
import { killContainer } from "../../rehearsal/faults/pods.ts";
import { type RegionKey, topology } from "../../rehearsal/regions/topology.ts";
import { readRecord } from "../../rollback/record.ts";
import { allArchived } from "./support/archives.ts";
import { changeTo } from "./support/broken-releases.ts";
import type { StackOutcome } from "./support/change-stack.ts";
import { rehearsal, running } from "./support/rehearsal.ts";
import { Trials } from "./support/trials.ts";
import type { TwoDatabases } from "./support/two-databases.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const keys: readonly RegionKey[] = ["a", "b"];
let databases: TwoDatabases;
let trials: Trials;

beforeAll(async () => {
  ({ databases } = await rehearsal());
  trials = new Trials(databases);
  ({ release, generations } = running());
});

afterAll(() => {
  process.stderr.write(`${trials.table.join("\n")}\n`);
});

type Source = Readonly<Record<string, string | boolean>>;
interface Generation {
  readonly storage: string;
  readonly from?: Source;
}
let release: string;
/** Those that were made; the last one serves. */
let generations: readonly Generation[];
const ofSource = (from: Source): Generation => ({ storage: "2Gi", from });

/** One `up` with other generations of the data; without, as it runs already. */
const change = (
  asked: readonly Generation[] = generations,
  acceptLoss?: string,
): Promise<StackOutcome> =>
  databases.change({
    release,
    ...(acceptLoss !== undefined && { change: { release, acceptLoss } }),
    "postgres.generations": asked,
    "quota.storage": "64Gi",
  });

/** One `up` with another generation, which serves then. */
async function restore(from: Source, acceptLoss?: string): Promise<StackOutcome> {
  const asked = [...generations, ofSource(from)];
  const outcome = await change(asked, acceptLoss);
  if (outcome.refusal === undefined) generations = asked;
  return outcome;
}

const note = (text: string): Promise<string> =>
  databases.query("a", `INSERT INTO notes (text) VALUES ('${text}')`);

/** The notes of these tests, in the order in which they were written. */
const notes = (key: RegionKey): Promise<string[]> =>
  databases.rows(key, "SELECT text FROM notes WHERE text LIKE 'restore %' ORDER BY id");

const histories = (key: RegionKey, generation: number): Promise<string> =>
  leaderRuns(key, [
    ...["pgbackrest", "--log-level-console=off", `--repo1-path=/postgres-${String(generation)}`],
    ...["repo-ls", "--filter=history$", "archive/main/15-1"],
  ]);

const historiesOf = (generation: number): Promise<string[]> =>
  Promise.all(keys.map((key) => histories(key, generation)));

const leaderRuns = async (key: RegionKey, command: readonly string[]): Promise<string> =>
  databases.exec(key, (await databases.leader(key)).metadata?.name ?? "", "postgres", command);

/** The last generation serves in both regions; those before have their volumes and nothing else. */
async function lastServes(): Promise<void> {
  const generation = generations.length;
  await databases.healthy("a");
  for (const key of keys) {
    const region = topology[key].awsRegion;
    const selector = "jsonpath={.spec.selector.postgres-cluster}";
    for (const service of ["postgres", "postgres-peer", "postgres-peer-api"]) {
      const words = ["get", "service", service, "-o", selector];
      expect(await databases.kubectl(key, words)).toBe(`postgres-${String(generation)}`);
    }
    const members = (await databases.members(key)).map(({ metadata }) => metadata?.name).sort();
    expect(members).toEqual(
      [0, 1, 2].map((ordinal) => `postgres-${String(generation)}-${region}-${String(ordinal)}`),
    );
    const claims = await databases.kubectl(key, ["get", "pvc", "-o", "name"]);
    for (let earlier = 1; earlier < generation; earlier += 1)
      expect(claims).toContain(`data-postgres-${String(earlier)}-${region}-0`);
  }
}

describe("a restore that cannot be made", () => {
  it("is refused by the real archive, for each reason in words", async () => {
    const secrets = "/tmp/wrong-key/secrets.conf";
    await leaderRuns("a", [
      ...["bash", "-c"],
      `mkdir -p /tmp/wrong-key && sed 's/cipher-pass=.*/cipher-pass=wrong/' /etc/lifeline/archive/own/secrets.conf >${secrets}`,
    ]);
    const check = async (...variables: string[]) => {
      const script = "/opt/lifeline/restore-generation.sh --check 2>&1 || true";
      const origin = [
        `GENERATION=${String(generations.length + 1)}`,
        `RESTORE_FROM_GENERATION=${String(generations.length)}`,
        "RESTORE_FROM_REGION=eu-north-1",
      ];
      return leaderRuns("a", ["env", ...origin, ...variables, "bash", "-c", script]);
    };
    const to = (kind: string, target: string) => [
      `RESTORE_TARGET_KIND=${kind}`,
      `RESTORE_TARGET=${target}`,
    ];
    expect(await check(...to("time", "2020-01-01T00:00:00Z"))).toContain(
      "is before the oldest backup",
    );
    expect(await check(...to("time", "2026-11-21 09:00"))).toContain(
      "needs a date, a time and a zone",
    );
    const wrong = "PGBACKREST_CONFIG_INCLUDE_PATH=/tmp/wrong-key";
    expect(await check(wrong, ...to("latest", ""))).toContain("with this cipher key");
    expect(await check(...to("latest", ""))).toContain("can be restored, from backup");
    await leaderRuns("a", ["rm", "-r", "/tmp/wrong-key"]);
  });

  it("is refused by up before anything is touched", async () => {
    const point = await change([...generations, ofSource({ point: "v9.9.9" })]);
    expect(point.refusal).toContain("there is no restore point v9.9.9");
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const { refusal } = await change([...generations, ofSource({ time: later })], later);
    expect(refusal).toContain("is after the last archived WAL");
    const entry = `lifeline:postgres.generations[${String(generations.length)}]`;
    expect(refusal).toContain(`pulumi config rm --path '${entry}'`);
    const sets = await databases.kubectl("a", ["get", "statefulsets", "-o", "name"]);
    expect(sets.trim().split("\n")).toEqual(
      generations.map((_, index) => `statefulset.apps/postgres-${String(index + 1)}-eu-north-1`),
    );
    expect(await databases.query("a", "SHOW default_transaction_read_only")).toBe("off");
    await databases.healthy("a", 1);
    // It never was: without the entry there is nothing to accept, and nothing to go back from.
    expect(await change()).not.toHaveProperty("refusal");
  });
});

describe("a new generation of the data", () => {
  it("is that of a time, exactly, in both regions, although the restore was killed half-way", async () => {
    await note("restore before the time");
    await sleep(1100);
    const time = new Date().toISOString();
    // S3 says in whole seconds when WAL came.
    await sleep(1100);
    await note("restore after the time");
    await allArchived(databases);
    const earlier = generations.length;
    const before = await historiesOf(earlier);
    // From the other region's archive.
    const from = { time, region: topology.b.awsRegion };
    const restoring = restore(from, time);
    const killed = await Promise.race([
      killHalfWay(`postgres-${String(earlier + 1)}-eu-north-1`),
      restoring.then(() => "nobody: it was over before"),
    ]);
    expect(await restoring).not.toHaveProperty("refusal");
    await lastServes();
    for (const key of keys) expect(await notes(key)).toEqual(["restore before the time"]);
    const member = await databases.kubectl("a", ["get", "pod", killed, "-o", "json"]);
    expect(member).toContain('"restartCount": 1');
    // Nobody of the old generation took the new one's history for its own.
    expect(await historiesOf(earlier)).toEqual(before);
    expect((await trials.under("on the restored data", () => Promise.resolve())).missing).toBe(0);
  });

  it("has every acknowledged write, when all is asked for under writes", async () => {
    const trial = await trials.under("restore of everything", async () => {
      expect(await restore({ latest: true })).not.toHaveProperty("refusal");
    });
    expect(trial.missing).toBe(0);
    await lastServes();
  });
});

describe("a release that ruined its data", () => {
  /** Counted from when the engine takes the stack; all of it takes longer. */
  const killedBeforeSeconds = 60;

  it("is taken back with it, although one attempt after the other was killed", async () => {
    await note("restore before the release");
    const expected = await notes("a");
    const stack = { "postgres.generations": generations, "quota.storage": "64Gi" };
    const bad = "v1.4.0";
    expect(await databases.change({ ...stack, ...changeTo(bad) })).not.toHaveProperty("refusal");
    await databases.query("a", "INSERT INTO notes (body) VALUES ('restore after the release')");
    const point = await lastPoint();
    expect(point).toContain(bad);
    generations = [...generations, ofSource({ point })];
    const back = {
      ...{ ...stack, release, "postgres.generations": generations },
      change: { release, acceptLoss: point },
    };
    const killed: boolean[] = [];
    for (let kill = 0; kill < 3; kill += 1)
      killed.push(await databases.killedChange(back, {}, randomInt(killedBeforeSeconds * 1000)));
    expect(killed.filter(Boolean).length).toBeGreaterThanOrEqual(2);
    expect(await databases.change(back)).not.toHaveProperty("refusal");
    await lastServes();
    for (const key of keys) expect(await notes(key)).toEqual(expected);
  });

  /** Of the record that people see. */
  async function lastPoint(): Promise<string> {
    const data = "jsonpath={.data.record\\.json}";
    const text = await databases.kubectl("a", ["get", "configmap", "lifeline-release", "-o", data]);
    return readRecord(text).deployments.at(-1)?.restorePoint ?? "";
  }
});

/** Kills the container of whichever member restores, in the middle of it. */
async function killHalfWay(statefulSet: string): Promise<string> {
  const begun = "test -e /var/lib/postgresql/data/pgdata.restore && echo begun";
  for (;;) {
    const members = (await databases.members("a")).filter(({ metadata }) =>
      metadata?.name?.startsWith(statefulSet),
    );
    for (const { metadata } of members) {
      const name = metadata?.name ?? "";
      const said = await databases
        .exec("a", name, "postgres", ["bash", "-c", begun])
        .catch(() => "");
      if (said !== "begun") continue;
      await killContainer("a", await containerId(topology.a, name, "postgres"));
      return name;
    }
    await sleep(200);
  }
}
