import type { CheckResult } from "../report/evidence.ts";
import { eventually } from "./check.ts";
import { answers, members, query } from "./database.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

/** Commits wait for a second member of the active region. */
export function synchronous(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const sql =
    "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'";
  return answers(region, subject, "One member follows synchronously", sql, "1");
}

/** The standby region receives by streaming what the active one writes. */
export function streams(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const sql = "SELECT status FROM pg_stat_wal_receiver";
  return answers(region, subject, "Follows the active region by streaming", sql, "streaming");
}

/** Everything the other members hold is on its way to this region's archive, and nothing is stuck. */
export function archives(
  region: RegionUnderTest,
  subject: Subject,
  withinSeconds = 90,
): Promise<CheckResult> {
  const about = { name: "WAL reaches the region's archive", region: region.name, withinSeconds };
  return eventually(about, async () => {
    const age = await query(
      region,
      subject,
      "SELECT coalesce(extract(epoch FROM now() - last_archived_time)::int, -1) FROM pg_stat_archiver",
    );
    return {
      ok: Number(age) >= 0 && Number(age) < 120,
      expected: "a segment archived less than 120 s ago",
      measured: age === "-1" ? "none yet" : `${age} s ago`,
    };
  });
}

/** What can be restored begins with a full backup, and each region has its own. */
export function backedUp(
  region: RegionUnderTest,
  subject: Subject,
  withinSeconds = 30,
): Promise<CheckResult> {
  const name = "A full backup is in the region's archive";
  const about = { name, region: region.name, withinSeconds };
  return eventually(about, async () => {
    const { namespace } = subject;
    const pod = (await members(region, namespace))[0]?.metadata?.name ?? "";
    const words = [
      "pgbackrest",
      "--stanza=main",
      "--log-level-console=off",
      "info",
      "--output=json",
    ];
    const info = await region.cluster.exec({ namespace, pod, container: "agent" }, words);
    const [stanza] = JSON.parse(info) as { backup?: { type: string; error?: boolean }[] }[];
    const full = (stanza?.backup ?? []).filter(({ type, error }) => type === "full" && !error);
    return {
      ok: full.length > 0,
      expected: "at least one full backup without error",
      measured: `${full.length} full backups`,
    };
  });
}

/** The way back before this release has a name. */
export function restorePoint(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const { restorePoint: name } = subject.release;
  const sql = `SELECT name FROM lifeline.restore_points WHERE name = '${name}'`;
  return answers(region, subject, "A restore point before the release", sql, name);
}
