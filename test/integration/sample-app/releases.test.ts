import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

import { jest } from "@jest/globals";

import { validReleases } from "../../../config/parse.ts";
import { releaseFiles, type Release } from "../../../config/release.ts";
import { rehearsalReleases } from "../../support/rehearsal-releases.ts";
import { repository } from "../../support/stack-files.ts";
import { Server } from "../images/support/postgres.ts";
import { describeWithDatabase, runProgram, Service } from "./support/program.ts";

jest.setTimeout(120_000);

const sampleApp = join(repository, "rehearsal/sample-app");

describeWithDatabase("the releases of the rehearsal", () => {
  let server: Server;
  let folder: string;
  let releases: Release[];

  beforeAll(async () => {
    server = await Server.start();
    folder = mkdtempSync(join(tmpdir(), "lifeline-versions-"));
    const files = rehearsalReleases();
    releases = validReleases(releaseFiles(files));
    rmSync(join(files, ".."), { recursive: true });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const releaseOf = (version: string): Release => {
    const found = releases.find((it) => it.version === version);
    if (found === undefined) throw new Error(`there is no ${version}`);
    return found;
  };

  /** The files of a release's image, as building it copies them. */
  function files(version: string, part: "backend" | "migrations"): string {
    const target = join(folder, version);
    if (existsSync(join(target, part))) return target;
    const image = releaseOf(version).images[part];
    const upTo = /-(v[\d.]+)@/.exec(image)?.[1] ?? "v1.0.0";
    const changes = releases.map((it) => it.version).filter((it) => it <= upTo);
    cpSync(join(sampleApp, "shared"), join(target, "shared"), { recursive: true });
    cpSync(join(sampleApp, part), join(target, part), { recursive: true });
    for (const change of changes) {
      const source = join(sampleApp, "releases", change, part);
      if (existsSync(source)) cpSync(source, join(target, part), { recursive: true });
    }
    return target;
  }

  const environmentOf = ({ schema }: Release) => ({
    ...server.databaseEnvironment,
    NODE_PATH: join(repository, "node_modules"),
    SCHEMA_MIN: String(schema.min),
    SCHEMA_MAX: String(schema.max),
  });

  async function migrate(version: string): Promise<void> {
    const release = releaseOf(version);
    const home = files(version, "migrations");
    const { code, output } = await runProgram(
      relative(sampleApp, join(home, "migrations/migrate.mjs")),
      { ...environmentOf(release), SCHEMA_TARGET: String(release.schema.target) },
      [join(home, "migrations/sql")],
    );
    if (code !== 0) throw new Error(output);
  }

  /** Runs a release's backend, writes one note and reads all of them. */
  async function notesWith(version: string, text: string): Promise<{ text: string }[]> {
    const release = releaseOf(version);
    const home = files(version, "backend");
    const backend = await Service.start(relative(sampleApp, join(home, "backend/server.mjs")), {
      ...environmentOf(release),
      RELEASE_VERSION: version,
    });
    try {
      const ready = await fetch(`${backend.origin}/readyz`);
      if (!ready.ok) throw new Error(await ready.text());
      const written = await fetch(`${backend.origin}/api/notes`, {
        method: "POST",
        body: JSON.stringify({ text }),
      });
      expect(written.status).toBe(201);
      return (await (await fetch(`${backend.origin}/api/notes`)).json()) as { text: string }[];
    } finally {
      await backend.stop();
    }
  }

  test("each runs on the schema that its window says, and v1.4.0 ruins what was there", async () => {
    await migrate("v1.0.0");
    expect(await notesWith("v1.0.0", "written by v1.0.0")).toHaveLength(1);
    const [counted] = await notesWith("v1.1.0", "two words");
    expect(counted).toMatchObject({ text: "two words", words: 2 });

    await migrate("v1.3.0");
    const [pinned] = await notesWith("v1.3.0", "! first of all");
    expect(pinned).toMatchObject({ text: "! first of all", pinned: true });
    // Going back by code alone: the releases before run on the new schema, and nothing is lost.
    expect(await notesWith("v1.2.0", "written by v1.2.0")).toHaveLength(4);
    await expect(notesWith("v1.0.0", "never")).rejects.toThrow(
      "schema version 3 is outside 1 to 1",
    );

    await migrate("v1.4.0");
    const texts = (await notesWith("v1.4.0", "written by v1.4.0")).map(({ text }) => text);
    expect(texts).toEqual(["!", "written by v1.4.0", "written", "two", "written"]);
    await expect(notesWith("v1.3.0", "never")).rejects.toThrow(
      "schema version 4 is outside 2 to 3",
    );
    await expect(migrate("v1.3.0")).rejects.toThrow("the database is at schema version 4");
  });
});
