import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Reporter } from "../progress.ts";
import { type Requirement, installPackages } from "./apt.ts";

/** What tests and measurements use besides what a rehearsal does. */
const requirements: readonly Requirement[] = [
  { package: "shellcheck", provides: ["shellcheck"] },
  { package: "curl", provides: ["curl"] },
  { package: "pgbackrest", provides: ["pgbackrest"] },
  { package: "postgresql-15", provides: ["/usr/lib/postgresql/15/bin/postgres"] },
  {
    package: "python3-psycopg2",
    provides: ["/usr/lib/python3/dist-packages/psycopg2/__init__.py"],
  },
];

/**
 * Installs what tests and measurements run on this machine itself. Debian's Postgres would make and start a database
 * cluster of its own; only its programs are wanted.
 * @throws Problem naming the packages when it may not or cannot
 */
export async function installTestPackages(reporter: Reporter): Promise<string> {
  const noCluster = "/etc/postgresql-common/createcluster.d/lifeline-tests.conf";
  const isRoot = process.getuid?.() === 0;
  const isThere = existsSync(dirname(noCluster));
  if (isRoot) {
    await mkdir(dirname(noCluster), { recursive: true });
    await writeFile(noCluster, "create_main_cluster = false\n");
  }
  try {
    const machine = {
      searchPath: `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`,
      isRoot,
      hasSystemd: existsSync("/run/systemd/system"),
    };
    const installed = await installPackages(requirements, machine, reporter);
    return installed.length === 0 ? "in place" : `installed ${installed.join(", ")}`;
  } finally {
    if (isRoot)
      await rm(isThere ? noCluster : dirname(noCluster), { recursive: true, force: true });
  }
}
