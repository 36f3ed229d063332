import { randomBytes } from "node:crypto";
import type { V1CronJob, V1Job, V1PodList } from "@kubernetes/client-node";
import type { StoredSegment } from "../../../rehearsal/faults/archive.ts";
import { type RegionKey, topology } from "../../../rehearsal/regions/topology.ts";
import { archivedSegments, measured, switchWal, until } from "./archives.ts";
import type { TwoDatabases } from "./two-databases.ts";

/** Longer than three backups of so little data. */
const longestJobSeconds = 300;

interface EndOfJob {
  readonly passed: boolean;
  /** What its pod said. */
  readonly log: string;
  /** When its container ran, by the kubelet's whole seconds. */
  readonly ran: { readonly from: Date; readonly to: Date };
}

/** The regions' archives, and the Jobs that look after them. */
export class Archives {
  readonly #databases: TwoDatabases;

  constructor(databases: TwoDatabases) {
    this.#databases = databases;
  }

  /** Starts a Job of the region's CronJob, tried once; `argument` and variables in place of its own. */
  async startBackup(
    key: RegionKey,
    kind: "full" | "differential",
    argument?: string,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const name = `postgres-backup-${kind}`;
    const said = await this.#databases.kubectl(key, ["get", "cronjob", name, "-o", "json"]);
    const { spec } = JSON.parse(said) as V1CronJob;
    const job: V1Job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: `${name}-${randomBytes(4).toString("hex")}` },
      spec: { ...spec.jobTemplate.spec!, backoffLimit: 0 },
    };
    const [container] = job.spec!.template.spec!.containers;
    if (argument !== undefined) container!.command![1] = argument;
    for (const [variable, value] of Object.entries(variables))
      container!.env!.find((one) => one.name === variable)!.value = value;
    await this.#databases.apply(key, job);
    return job.metadata!.name!;
  }

  /** How a Job ended; then it goes. */
  async endOfJob(key: RegionKey, job: string): Promise<EndOfJob> {
    let end = "";
    await until(`${job} has ended`, longestJobSeconds, async () => {
      const said = await this.#databases.kubectl(key, ["get", "job", job, "-o", "json"]);
      const { conditions = [] } = (JSON.parse(said) as V1Job).status ?? {};
      const isEnd = ({ type, status }: { type: string; status: string }) =>
        ["Complete", "Failed"].includes(type) && status === "True";
      end = conditions.find(isEnd)?.type ?? "";
      return end !== "";
    });
    const log = await this.#databases.kubectl(key, ["logs", `job/${job}`, "--tail=-1"]);
    const ran = await this.#ran(key, job);
    await this.#databases.kubectl(key, ["delete", "job", job, "--wait=false"]);
    return { passed: end === "Complete", log, ran };
  }

  async #ran(key: RegionKey, job: string): Promise<EndOfJob["ran"]> {
    const ofJob = ["get", "pods", "-l", `batch.kubernetes.io/job-name=${job}`, "-o", "json"];
    const [pod] = (JSON.parse(await this.#databases.kubectl(key, ofJob)) as V1PodList).items;
    const { startedAt, finishedAt } = pod!.status!.containerStatuses![0]!.state!.terminated!;
    return { from: new Date(startedAt!), to: new Date(finishedAt!) };
  }

  /** A metric of the leader's agent, once it is as expected: what lies in S3 is looked at every minute. */
  async metric(
    key: RegionKey,
    name: string,
    isExpected: (value: number) => boolean = Number.isFinite,
  ): Promise<number> {
    let found = NaN;
    await until(`${name} is as expected`, 180, async () => {
      const pod = (await this.#databases.leader(key)).metadata?.name ?? "";
      found = (await measured(this.#databases, key, pod))(name);
      return isExpected(found);
    });
    return found;
  }

  /** A WAL segment that a restore of the newest backup needs, and that others follow. */
  async segmentAfterBackup(key: RegionKey): Promise<StoredSegment> {
    const pod = (await this.#databases.leader(key)).metadata?.name ?? "";
    const info = [
      "pgbackrest",
      "--stanza=main",
      "--log-level-console=off",
      "--output=json",
      "info",
    ];
    let first: string | undefined;
    await until("segments follow the newest backup", 120, async () => {
      // Only the region that writes has more to archive.
      await switchWal(this.#databases);
      const [stanza] = JSON.parse(await this.#databases.exec(key, pod, "agent", info)) as {
        backup: { archive: { stop: string } }[];
      }[];
      const last = stanza?.backup.at(-1)?.archive.stop ?? "";
      const archived = [...(await archivedSegments(this.#databases, key))].sort();
      const later = archived.filter((segment) => segment > last);
      first = later[0];
      return later.length > 2;
    });
    return {
      bucket: `lifeline-local-${topology[key].awsRegion}`,
      generation: 1,
      segment: first ?? "",
    };
  }
}
