import { cpSync } from "node:fs";
import { join } from "node:path";

import { jest } from "@jest/globals";

import { describePython, PythonSandbox } from "./support/python-suite.ts";

/** Also on a machine that is busy with everything else. */
jest.setTimeout(15 * 60_000);

const table = join(import.meta.dirname, "../../../docs/metrics.md");
let sandbox: PythonSandbox;

describePython(
  "agent.py",
  "agent",
  (module) => sandbox.run("agent", module, { LIFELINE_DOCS: join(sandbox.folder, "docs") }),
  () => {
    beforeAll(() => {
      sandbox = new PythonSandbox(["agent"]);
      cpSync(table, join(sandbox.folder, "docs/metrics.md"));
    });
    afterAll(() => {
      sandbox.remove();
    });
  },
);
