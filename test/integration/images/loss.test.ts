import { join } from "node:path";

import { jest } from "@jest/globals";

import { describePython, PythonSandbox } from "./support/python-suite.ts";

/** Also on a machine that is busy with everything else. */
jest.setTimeout(15 * 60_000);

let sandbox: PythonSandbox;

describePython(
  "what a restore takes away",
  "loss",
  (module) =>
    sandbox.run("loss", module, {
      // Servers are those of the agent's tests.
      PYTHONPATH: [sandbox.image, join(sandbox.tests, "agent")].join(":"),
    }),
  () => {
    beforeAll(() => {
      sandbox = new PythonSandbox(["agent", "loss"]);
    });
    afterAll(() => {
      sandbox.remove();
    });
  },
);
