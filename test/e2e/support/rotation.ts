import type { RegionKey } from "../../../rehearsal/regions/topology.ts";
import { until } from "./archives.ts";
import type { TwoDatabases } from "./two-databases.ts";

const keys: readonly RegionKey[] = ["a", "b"];
const passwordSecret = "postgres-secret";

/** When the certificates end that the three services of a member really present, in seconds since the epoch. */
const presented = `
import sys, time
from pathlib import Path
sys.path.insert(0, "/opt/lifeline")
from agent.tls import seconds_to_expiry
for port in (5432, 8008, 8432):
    left = seconds_to_expiry(("localhost", port), Path("/etc/lifeline/tls"), 3, port == 5432)
    print(round(time.time() + left))
`;

/** Of every service of every member in both regions. */
export async function certificateEnds(databases: TwoDatabases): Promise<number[]> {
  const ends: number[] = [];
  for (const key of keys) {
    for (const { metadata } of await databases.members(key)) {
      const command = ["python3", "-c", presented];
      const said = await databases.exec(key, metadata?.name ?? "", "agent", command);
      ends.push(...said.split("\n").map(Number));
    }
  }
  return ends;
}

/** Has every kubelet look at its pods now; by itself it looks about once a minute. */
export async function hurryKubelets(databases: TwoDatabases): Promise<void> {
  const note = `looked=${String(Date.now())}`;
  for (const key of keys)
    await databases.kubectl(key, ["annotate", "pods", "--all", "--overwrite", note]);
}

export const password = async (databases: TwoDatabases): Promise<string> =>
  databases.kubectl("a", [
    ...["get", "secret", passwordSecret],
    ...["-o", "jsonpath={.data.POSTGRES_PASSWORD}"],
  ]);

/** Gives the application's role another password, as docs/secrets.md says, and waits until the database takes it. */
export async function changePassword(databases: TwoDatabases, base64: string): Promise<void> {
  const stored = () =>
    databases.query("a", "SELECT rolpassword FROM pg_authid WHERE rolname = 'gravl_user'");
  const before = await stored();
  const data = JSON.stringify({ data: { POSTGRES_PASSWORD: base64 } });
  for (const key of keys)
    await databases.kubectl(key, ["patch", "secret", passwordSecret, "--type=merge", "-p", data]);
  await hurryKubelets(databases);
  await until("the role has the new password", 180, async () => (await stored()) !== before);
}

/** Has every client sign in again. */
export const endSessions = (databases: TwoDatabases): Promise<string> =>
  databases.query(
    "a",
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'gravl_user'",
  );
