import { join } from "node:path";

import { jest } from "@jest/globals";

import { describePython, PythonSandbox } from "./support/python-suite.ts";

/** Also on a machine that is busy with everything else. */
jest.setTimeout(15 * 60_000);

let sandbox: PythonSandbox;

describePython(
  "what Patroni and Postgres run",
  "member",
  (module) =>
    sandbox.run("member", module, {
      // Servers and certificates are those of the agent's tests.
      PYTHONPATH: [sandbox.image, join(sandbox.tests, "agent")].join(":"),
    }),
  () => {
    beforeAll(() => {
      sandbox = new PythonSandbox(["agent", "member"]);
    });
    afterAll(() => {
      sandbox.remove();
    });
  },
);
