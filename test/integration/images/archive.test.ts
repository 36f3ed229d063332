import { chmodSync, cpSync } from "node:fs";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { cache } from "../../../rehearsal/paths.ts";
import { acquireTools } from "../../../rehearsal/toolchain/toolchain.ts";
import type { Finished } from "./support/postgres.ts";
import { describePython, modulesOf, PythonSandbox } from "./support/python-suite.ts";

/** The S3 server may have to be built first, and they leave the machine to whatever else runs. */
jest.setTimeout(45 * 60_000);

let sandbox: PythonSandbox | undefined;
/** They mostly wait for disks, so all run at once. */
const runs = new Map<string, Promise<Finished>>();

describePython(
  "backups, restores and their proof",
  "archive",
  async (module) => (await runs.get(module)) ?? { code: null, output: "did not run" },
  () => {
    beforeAll(async () => {
      const { bin } = await acquireTools(["versitygw"], {
        cache,
        reporter: () => ({ status: () => undefined }),
        signal: new AbortController().signal,
      });
      const place = new PythonSandbox(["archive"]);
      sandbox = place;
      // The cache may be where only root can read.
      const server = join(place.folder, "versitygw");
      cpSync(bin.versitygw, server);
      chmodSync(server, 0o755);
      for (const module of modulesOf("archive"))
        runs.set(module, place.run("archive", module, { LIFELINE_VERSITYGW: server }));
    });
    afterAll(async () => {
      await Promise.all(runs.values());
      sandbox?.remove();
    });
  },
);
