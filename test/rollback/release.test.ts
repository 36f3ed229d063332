import { jest } from "@jest/globals";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { writeRecord } from "../../rollback/record.ts";
import { releaseCommand } from "../../rollback/release/command.ts";
import { newRelease } from "../../rollback/release/new.ts";
import { listReleases } from "../../rollback/release/list.ts";
import { planRelease } from "../../rollback/release/plan.ts";
import { pinned } from "../../rollback/release/registry.ts";
import { keptReleases, readRehearsal } from "../../rollback/release/stack-state.ts";
import { Story } from "./story.ts";
import { releaseText } from "../support/stack-files.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

let folder: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lifeline-release-"));
  mkdirSync(join(folder, "releases"));
  const own = releaseText("v1.0.0").replaceAll("registry.example.com", "registry.test");
  writeFileSync(join(folder, "releases/v1.0.0.yaml"), own);
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ dependencies: { "@pulumi/pulumi": "3.270.0", yaml: "^2.8.0" } }),
  );
  writeFileSync(
    join(folder, "Pulumi.production.yaml"),
    "config: { lifeline:postgres: { storage: 100Gi }, lifeline:backups: { restoreWindowDays: 36500 } }\n",
  );
  said = [];
  jest.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const read = (file: string) => readFileSync(join(folder, file), "utf8");
const make = (version: string, more: object = {}) => newRelease({ folder, version, ...more });

describe("release new", () => {
  test("writes what differs, keeps values and comments, notes its tools, and seals", async () => {
    const image = `registry.test/gravl/backend@${digest("b")}`;
    await make("v1.1.0", {
      image: [`backend=${image}`],
      config: ["backend.LOG_LEVEL=debug", "backend.FEATURE_PINNED_NOTES"],
      feature: ["pinned-notes=on"],
      secret: ["app=5f2c"],
    });
    const [before, release] = keptReleases(folder);
    expect(release).toEqual({
      ...before,
      version: "v1.1.0",
      images: { ...before?.images, backend: image },
      config: { backend: { LOG_LEVEL: "debug" }, frontend: { TITLE: "Gravl" } },
      features: { "pinned-notes": "on" },
      secrets: { app: "5f2c" },
      madeWith: { packages: { "@pulumi/pulumi": "3.270.0" } },
    });
    const text = read("releases/v1.1.0.yaml");
    expect(text).toContain("# By digest: a tag can be moved after it was tested.");
    expect(text.match(/FILL IN/g)).toHaveLength(2);
    expect(Object.keys(JSON.parse(read("releases/released.json")) as object)).toEqual(["v1.1.0"]);
    expect(said).toEqual(["wrote releases/v1.1.0.yaml", "sealed v1.1.0 in releases/released.json"]);
  });

  test("takes the newest release where none is named, without its story", async () => {
    await make("v1.9.0", { target: "2", schema: "2..2", breaking: "drops a column that is read" });
    await make("v1.10.0");
    const release = keptReleases(folder).at(-1);
    expect(release).toMatchObject({ version: "v1.10.0", schema: { min: 2, max: 2, target: 2 } });
    expect(release?.schema).not.toHaveProperty("breaking");
  });

  test.each([
    ["a version that exists", "v1.0.0", {}, "v1.0.0 exists already"],
    ["a version that is not later", "v0.9.0", {}, "v0.9.0 is not later than v1.0.0"],
    ["a version that is none", "1.1", {}, "such as v1.4.0"],
    ["a source that does not exist", "v1.1.0", { from: "v3.0.0" }, "no release v3.0.0"],
    ["an unknown part", "v1.1.0", { image: ["worker=a/b@sha256:1"] }, "no part worker"],
    ["a short digest", "v1.1.0", { image: ["backend=a/b@sha256:1"] }, "images.backend"],
    ["an image without name", "v1.1.0", { image: ["backend"] }, "--image backend=registry/name"],
    ["a secret in plain text", "v1.1.0", { config: ["backend.API_TOKEN=hunter2"] }, "API_TOKEN"],
    ["a target outside of the window", "v1.1.0", { target: "2" }, "schema.target"],
    ["a window in words", "v1.1.0", { schema: "all" }, "--schema 1..3"],
    [
      "a migration that the release before does not run on",
      "v1.1.0",
      { schema: "2..2", target: "2" },
      "v1.0.0 runs on 1 to 1",
    ],
  ])("refuses %s and writes nothing", async (_, version, more, told) => {
    const refused = make(version, more);
    await expect(refused).rejects.toThrow(told);
    await expect(refused).rejects.not.toThrow("hunter2");
    expect(keptReleases(folder)).toHaveLength(1);
    expect(said).toEqual([]);
  });

  test("does not seal examples, which somebody has to replace yet", async () => {
    writeFileSync(join(folder, "releases/v1.0.0.yaml"), releaseText("v1.0.0"));
    await make("v1.1.0");
    expect(said.at(-1)).toContain("not sealed");
    await expect(releaseCommand(["seal"])).rejects.toThrow("Usage");
  });

  test("never takes a version again whose file was deleted", async () => {
    await make("v1.1.0");
    rmSync(join(folder, "releases/v1.1.0.yaml"));
    await expect(make("v1.1.0")).rejects.toThrow("exists already, or did");
  });
});

describe("an image by tag", () => {
  let server: Server;
  let host: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const { url = "", headers, method } = request;
      if (url.startsWith("/token")) return response.end(JSON.stringify({ token: "let me in" }));
      if (headers.authorization !== "Bearer let me in") {
        const realm = `http://${host}/token`;
        response.setHeader(
          "www-authenticate",
          `Bearer realm="${realm}",service="s",scope="repository:x:pull"`,
        );
        return response.writeHead(401).end();
      }
      const isKnown = method === "HEAD" && url === "/v2/gravl/backend/manifests/v1.5.0";
      if (isKnown) response.setHeader("docker-content-digest", digest("d"));
      return response.writeHead(isKnown ? 200 : 404).end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterAll(() => server.close());

  test("is resolved by its registry, with the token that it asks for", async () => {
    expect(await pinned(`${host}/gravl/backend:v1.5.0`)).toBe(
      `${host}/gravl/backend@${digest("d")}`,
    );
  });

  test.each([
    ["a tag that the registry does not know", () => `${host}/gravl/backend:v9`, "it answers 404"],
    ["a registry that cannot be reached", () => "127.0.0.1:1/a/b:v1", "cannot be asked"],
    ["a name without tag or digest", () => `${host}/gravl/backend`, "neither by digest nor by tag"],
  ])("is refused for %s, and the fix is to give the digest", async (_, image, told) => {
    const refused = pinned(image());
    await expect(refused).rejects.toThrow(told);
    await expect(refused).rejects.toThrow("@sha256:<digest>");
  });
});

describe("release list and plan", () => {
  let state: string;
  beforeEach(async () => {
    await make("v1.1.0", { schema: "1..2" });
    await make("v1.2.0", { config: ["backend.LOG_LEVEL=warn"] });
    await make("v1.3.0", { schema: "2..2", target: "2" });
    said = [];
    const story = new Story(keptReleases(folder));
    story.through("v1.0.0", "v1.1.0", "v1.2.0");
    story.run("v1.1.0", { change: { reason: "logins fail", requestedBy: "ada" } });
    story.run("v1.3.0", { finishes: false });
    state = join(folder, "state.json");
    const outputs = (finished: number) => ({
      record: writeRecord({
        ...story.recorded,
        deployments: story.recorded.deployments.filter(({ number }) => number <= finished),
      }),
    });
    const resources = [
      { type: "pulumi:pulumi:Stack", outputs: outputs(4) },
      { type: "lifeline:release:ReleaseRecord", outputs: outputs(5) },
      { type: "kubernetes:core/v1:ConfigMap" },
    ];
    writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources } }));
  });

  test("shows where and when each was deployed, the level from here, and what is denied", async () => {
    await listReleases({ folder, state });
    expect(said.map((line) => line.replace(/ {2,}/g, " | "))).toEqual([
      "RELEASE | STACK | DEPLOYED | FROM HERE | SCHEMA | SEALED",
      "v1.0.0 | production | 2026-01-01T00:00Z ops | config, 10 min | 1..1 | no",
      "v1.1.0 | production | 2026-01-04T00:00Z ada | config, 10 min | 1..2 | yes",
      "v1.2.0 | production | 2026-01-03T00:00Z ops | denied since 2026-01-04: logins fail | 1..2 | yes",
      "v1.3.0 * | production | 2026-01-05T00:00Z ops (not finished) | again | 2..2 | yes",
    ]);
  });

  test("says the same as JSON", async () => {
    await listReleases({ folder, state, json: true });
    const { releases } = JSON.parse(said.join("")) as { releases: object[] };
    expect(releases[2]).toMatchObject({
      release: "v1.2.0",
      stack: "production",
      deployed: { outcome: "finished" },
      denied: { by: "ada", reason: "logins fail" },
      fromHere: expect.stringContaining("denied"),
    });
  });

  test("says so when nobody can be asked, and still lists the files", async () => {
    await listReleases({ folder, state: join(folder, "none.json") });
    expect(said).toHaveLength(6);
    expect(said[1]).toContain("not known");
    expect(said[5]).toMatch(/^production: what was deployed is not known: .*none\.json/);
  });

  test("plans a rollback: level, promise, commands, and whether it helps", async () => {
    const seen = ["crashLoopingPods=3"];
    await planRelease({ folder, stack: "production", version: "v1.1.0", state, seen });
    expect(said).toEqual([
      "roll back (crash loop): pods of this release do not stay up\n  next: go back to the earlier release",
      "production to v1.1.0: config, promised within 10 minutes",
      "  pulumi config set lifeline:release v1.1.0 --stack production",
      "  pulumi up --stack production",
    ]);
    const refused = planRelease({ folder, stack: "production", version: "v1.2.0", state });
    await expect(refused).rejects.toThrow(/cannot go to v1.2.0.*logins fail.*allowRetry/s);
  });

  test("looks into a rehearsal without its engine, and says what to type there", async () => {
    const { deployment } = JSON.parse(readFileSync(state, "utf8")) as { deployment: object };
    const stacks = join(folder, "state/.pulumi/stacks/lifeline");
    mkdirSync(stacks, { recursive: true });
    writeFileSync(
      join(stacks, "local.json"),
      JSON.stringify({ checkpoint: { latest: deployment } }),
    );
    mkdirSync(join(folder, "project"));
    writeFileSync(join(folder, "project/Pulumi.local.yaml"), "config: {}\n");
    const rehearsal = readRehearsal(folder);
    await listReleases({ folder, rehearsal });
    expect(said[4]).toMatch(/^v1\.3\.0 \*\s+local /);
    said = [];
    await planRelease({ folder, version: "v1.1.0", stack: "local", rehearsal });
    expect(said.at(-1)).toBe("  npm start -- --set 'release=v1.1.0'");
  });

  test("says how to start a rehearsal where there is none", () => {
    expect(() => readRehearsal(join(folder, "none"))).toThrow(
      "There is no rehearsal. Fix: npm start.",
    );
  });
});
