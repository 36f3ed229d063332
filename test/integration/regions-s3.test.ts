import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { cache } from "../../rehearsal/paths.ts";
import { daemonPlan } from "../../rehearsal/regions/daemons.ts";
import { inside } from "../../rehearsal/regions/folders.ts";
import { createAuthority, issue } from "../../rehearsal/regions/pki.ts";
import {
  type S3Access,
  type S3AccountName,
  type S3Accounts,
  type S3Principals,
  s3AccountNames,
} from "../../rehearsal/regions/s3-access.ts";
import { s3Request } from "../../rehearsal/regions/s3-client.ts";
import { makeBucket, removeBucket, usersFile } from "../../rehearsal/regions/s3-grants.ts";
import { emptyBucket } from "../../rehearsal/regions/s3-objects.ts";
import { type RegionKey, topology } from "../../rehearsal/regions/topology.ts";
import { acquireTools } from "../../rehearsal/toolchain/toolchain.ts";

/** The server may have to be built first. */
jest.setTimeout(10 * 60_000);

const bucket = "archive";
const folder = mkdtempSync(join(tmpdir(), "s3-"));
const port = 17_443;
const authorityFile = join(folder, "pki", "authority.crt");

const accountsOf = (key: RegionKey) =>
  Object.fromEntries(
    s3AccountNames.map((name) => [
      name,
      { accessKey: `${key}${name}`.toUpperCase(), secretKey: `secret of ${key} ${name}` },
    ]),
  ) as S3Accounts;
const principals: S3Principals = {
  administrator: { accessKey: "ADMINISTRATOR", secretKey: "secret of the administrator" },
  accounts: { a: accountsOf("a"), b: accountsOf("b") },
};
const users = join(folder, "etc", "s3", "users.json");
const reach = { ...topology.a.s3, port, ip: "127.0.0.1", authorityFile };
const administrator: S3Access = { ...reach, ...principals.administrator };
const as = (key: RegionKey, name: S3AccountName): S3Access => ({
  ...reach,
  ...principals.accounts[key][name],
});

let server: ChildProcess;

/** The region's own command, with its folders and its address in other places. */
function startServer(program: string): void {
  const daemon = daemonPlan(topology.a, principals.administrator).daemons.find(
    ({ name }) => name === "s3",
  )!;
  const [, ...args] = daemon.command.map((text) =>
    text
      .replace(inside.pki, join(folder, "pki"))
      .replace(inside.etc, join(folder, "etc"))
      .replace(inside.state, join(folder, "state"))
      .replace(`${topology.a.ip}:${String(topology.a.s3.port)}`, `127.0.0.1:${String(port)}`),
  );
  const log = openSync(join(folder, "log"), "a");
  server = spawn(program, args, {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...daemon.environment },
  });
}

beforeAll(async () => {
  const { bin } = await acquireTools(["versitygw"], {
    cache,
    reporter: () => ({ status: () => undefined }),
    signal: new AbortController().signal,
  });
  for (const name of ["pki", "etc/s3", "state/s3"])
    mkdirSync(join(folder, name), { recursive: true });
  const authority = await createAuthority("test");
  const { certificate, key } = await issue({
    authority,
    commonName: reach.host,
    dnsNames: [reach.host],
    usages: ["server"],
    days: 1,
  });
  writeFileSync(authorityFile, authority.certificate);
  writeFileSync(join(folder, "pki", "s3.crt"), certificate);
  writeFileSync(join(folder, "pki", "s3.key"), key);
  writeFileSync(users, usersFile("a", principals));
  startServer(bin.versitygw);
  for (let left = 100; ; left -= 1) {
    const answered = await status(administrator, "GET", "/").catch(() => 0);
    if (answered === 200) break;
    if (left === 0) throw new Error(readFileSync(join(folder, "log"), "utf8"));
    await sleep(100);
  }
  await makeBucket(administrator, "a", bucket, principals);
  await status(administrator, "PUT", `/${bucket}/object`, "content");
});

afterAll(async () => {
  const ended = new Promise((resolve) => server.once("close", resolve));
  if (server.kill()) await ended;
  rmSync(folder, { recursive: true, force: true });
});

type Method = Parameters<typeof s3Request>[1]["method"];

const status = async (access: S3Access, method: Method, path: string, body = "") =>
  (await s3Request(access, { method, path, body })).status;

const list = async (access: S3Access) =>
  (await s3Request(access, { method: "GET", path: `/${bucket}`, query: "list-type=2" })).status;

/** What each account gets for: list, read, write, write below reports/, delete. */
const expected: readonly (readonly [RegionKey, S3AccountName, readonly boolean[]])[] = [
  ["a", "own", [true, true, true, true, true]],
  ["a", "proof", [true, true, false, false, false]],
  ["a", "reports", [false, false, false, true, false]],
  ["b", "peer", [true, true, false, false, false]],
];

describe("an S3 account", () => {
  it.each(expected)("of region %s named %s may do just its part", async (key, name, may) => {
    const access = as(key, name);
    // What is deleted is the account's own, or somebody else's where it can make none.
    const spare = `/${bucket}/spare-${name}`;
    await status(administrator, "PUT", spare, "to be deleted");
    const statuses = [
      await list(access),
      await status(access, "GET", `/${bucket}/object`),
      await status(access, "PUT", `/${bucket}/written-by-${name}`, "x"),
      await status(access, "PUT", `/${bucket}/reports/by-${name}`, "x"),
      await status(access, "DELETE", spare),
    ];
    expect(statuses.map((code) => code < 300)).toEqual(may);
    expect(statuses.filter((code) => code >= 300).every((code) => code === 403)).toBe(true);
  });

  it.each([
    ["a", "peer"],
    ["b", "own"],
    ["b", "proof"],
    ["b", "reports"],
  ] as const)("of region %s named %s is a stranger to region a's server", async (key, name) => {
    expect(await status(as(key, name), "GET", `/${bucket}/object`)).toBe(403);
  });

  it.each(["own", "proof", "reports"] as const)(
    "named %s can neither make nor remove buckets, nor change who may do what",
    async (name) => {
      const access = as("a", name);
      expect(await status(access, "PUT", "/another")).toBe(403);
      expect(await status(access, "DELETE", `/${bucket}`)).toBe(403);
      const policy = { method: "PUT", path: `/${bucket}`, query: "policy=", body: "{}" } as const;
      expect((await s3Request(access, policy)).status).toBe(403);
    },
  );

  it("cannot write outside reports/ by a path that leads back", async () => {
    const path = `/${bucket}/reports/../object`;
    expect(await status(as("a", "reports"), "PUT", path, "x")).toBeGreaterThanOrEqual(400);
    expect(
      (await s3Request(administrator, { method: "GET", path: `/${bucket}/object` })).body,
    ).toBe("content");
  });

  it("is refused from the moment that it is revoked, and let in again when it is back", async () => {
    const own = as("a", "own");
    writeFileSync(users, usersFile("a", principals, ["own"]));
    expect(await status(own, "GET", `/${bucket}/object`)).toBe(403);
    writeFileSync(users, usersFile("a", principals));
    expect(await status(own, "GET", `/${bucket}/object`)).toBe(200);
  });
});

describe("a bucket", () => {
  it("is not removed while anything is in it", async () => {
    await expect(removeBucket(administrator, bucket)).rejects.toThrow("409 BucketNotEmpty");
  });

  it("is empty after all in it was deleted, folders included, and nothing is said of one that is not there", async () => {
    await makeBucket(administrator, "a", "full", principals);
    for (const path of ["one", "folder/two", "folder/folder/three"])
      expect(await status(administrator, "PUT", `/full/${path}`, "x")).toBe(200);
    await emptyBucket(administrator, "full");
    await removeBucket(administrator, "full");
    await emptyBucket(administrator, "full");
  });

  it("can be made twice, and removed twice", async () => {
    await makeBucket(administrator, "a", "second", principals);
    await makeBucket(administrator, "a", "second", principals);
    expect(await status(as("a", "own"), "PUT", "/second/object", "x")).toBe(200);
    await status(administrator, "DELETE", "/second/object");
    await removeBucket(administrator, "second");
    await removeBucket(administrator, "second");
  });
});
