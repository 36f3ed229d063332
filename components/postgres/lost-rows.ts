import type { ArchiveAccess } from "../lib/archive.ts";
import { archiveReports } from "../lib/archive.ts";
import type { Database } from "../lib/database.ts";
import { databaseEnvironment, databaseFiles } from "../lib/database.ts";
import type { Scope } from "../lib/labels.ts";
import { oneShotJob } from "../lib/one-shot-job.ts";
import type { Resources } from "../lib/pod.ts";
import { container, podTemplate } from "../lib/pod.ts";
import type { Origin } from "./generation.ts";
import { memberHosts, scopeOf } from "./generation.ts";
import { places, settingsFiles } from "./places.ts";
import { reportsMount, reportsVolume, settingsMount, settingsVolume } from "./report-volumes.ts";

export interface LostRowsArgs extends Database {
  readonly scope: Scope;
  readonly region: string;
  readonly archiveAccess: ArchiveAccess;
  /** The database's image, pinned by digest. */
  readonly image: string;
  /** Members in this region. */
  readonly replicas: number;
  readonly sidecarResources: Resources;
}

/** A comparison reads both generations once. */
const deadlineSeconds = 6600;
/** Longest to wait for a generation that may have been the reason for the restore. */
const waitSeconds = 120;

/** Counts and exports the rows of the generation before that the restored one has not, into this region's bucket. */
export function lostRowsJob(args: LostRowsArgs, restored: number, { target }: Origin) {
  const { scope, region, replicas, image, archiveAccess, sidecarResources } = args;
  const earlier = restored - 1;
  const members = (generation: number) =>
    memberHosts(generation, region, replicas, scope.namespace).join(" ");
  const reports = archiveAccess === "keys";
  return oneShotJob(scope, {
    // The same rights: it reads the database and files reports.
    workload: "restore-proof",
    name: `${scopeOf(earlier)}-lost-rows`,
    deadlineSeconds,
    retries: 2,
    template: podTemplate(scope, "restore-proof", {
      containers: [
        container({
          name: "lost-rows",
          image,
          command: [`${places.scripts}/lost-rows.py`],
          environment: {
            ...databaseEnvironment(args),
            OLD_MEMBERS: members(earlier),
            NEW_MEMBERS: members(restored),
            OLD_GENERATION: String(earlier),
            RESTORED_TO: Object.entries(target).flat().join(" "),
            PGBACKREST_CONFIG: settingsFiles.ownArchive,
            REPORTS_FOLDER: archiveReports.folder,
            WAIT_SECONDS: String(waitSeconds),
          },
          resources: sidecarResources,
          secretFiles: databaseFiles,
          mounts: [settingsMount, ...(reports ? [reportsMount] : [])],
        }),
      ],
      secretFiles: databaseFiles,
      volumes: [settingsVolume(restored), ...(reports ? [reportsVolume] : [])],
      placement: { restartPolicy: "Never" },
    }),
  });
}
