import { clearOldJobs } from "../../diagnosis/jobs.ts";

const labels = { "app.kubernetes.io/component": "migration" };

interface Made {
  readonly name: string;
  readonly day: number;
  readonly ended?: "Complete" | "Failed";
  readonly owned?: boolean;
}

/** What is deleted where these Jobs are, and another one of the name is about to be made. */
async function deleted(name: string, jobs: readonly Made[]): Promise<string[]> {
  const gone: string[] = [];
  const items = jobs.map(({ name, day, ended, owned }) => ({
    metadata: {
      name,
      creationTimestamp: `2026-01-${String(day).padStart(2, "0")}T00:00:00Z`,
      ...(owned && { ownerReferences: [{}] }),
    },
    status: { conditions: ended === undefined ? [] : [{ type: ended, status: "True" }] },
  }));
  const api = {
    json: <T>({ path, query }: { path: string; query?: Record<string, string> }) => {
      expect(path).toBe("/apis/batch/v1/namespaces/acme/jobs");
      expect(query).toEqual({ labelSelector: "app.kubernetes.io/component=migration" });
      return Promise.resolve({ items } as T);
    },
    text: ({ method, path }: { method: string; path: string }) => {
      gone.push(`${method} ${path.split("/").at(-1) ?? ""}`);
      return Promise.resolve("");
    },
  };
  await clearOldJobs(api, "acme", { name, labels });
  return gone;
}

const done = (letter: string, day: number): Made => ({
  ...{ name: `db-migration-${letter.repeat(10)}`, day, ended: "Complete" },
});

it("keeps the last three of a Job's predecessors, and deletes those before", async () => {
  const jobs = [done("a", 1), done("b", 2), done("c", 5), done("d", 4), done("e", 3)];
  expect(await deleted("db-migration-ffffffffff", jobs)).toEqual([
    "DELETE db-migration-bbbbbbbbbb",
    "DELETE db-migration-aaaaaaaaaa",
  ]);
});

it("deletes neither what runs, nor what belongs to a CronJob, nor what does something else, nor the one itself", async () => {
  const jobs: Made[] = [
    ...[done("a", 9), done("b", 8), done("c", 7)],
    { name: "db-migration-1111111111", day: 1 },
    { name: "db-migration-2222222222", day: 1, ended: "Complete", owned: true },
    { name: "postgres-2-first-backup-3333333333", day: 1, ended: "Complete" },
    { name: "db-migration-ffffffffff", day: 1, ended: "Complete" },
  ];
  expect(await deleted("db-migration-ffffffffff", jobs)).toEqual([]);
});

it("knows a Job of an earlier turn of its region", async () => {
  const jobs = [4, 3, 2, 1].map((day): Made => ({
    ...{ name: `writable-4600d5418c-0000000${String(day)}`, day, ended: "Failed" },
  }));
  expect(await deleted("writable-4600d5418c-ffffffff", jobs)).toEqual([
    "DELETE writable-4600d5418c-00000001",
  ]);
});
