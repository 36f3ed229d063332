import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { jest } from "@jest/globals";

import { run } from "../../rehearsal/command.ts";
import { cache } from "../../rehearsal/paths.ts";
import { acquireToolchain } from "../../rehearsal/toolchain/toolchain.ts";
import type { RecordState } from "../../rollback/record.ts";
import type { RecordRun } from "./support/run-record.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const folder = mkdtempSync(join(tmpdir(), "lifeline-record-"));
let root = "";
beforeAll(async () => {
  const { bin } = await acquireToolchain({ cache, reporter: () => ({ status: () => undefined }) });
  root = dirname(dirname(bin.pulumi));
  mkdirSync(join(folder, "state"));
  writeFileSync(join(folder, "Pulumi.yaml"), "name: lifeline\nruntime: nodejs\n");
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const recordOf = (number: number): string =>
  JSON.stringify({ format: 1, deployments: [{ number }], denials: [] });

async function attempt(options: Pick<RecordRun, "operation" | "record" | "fails">) {
  const { code, stdout, lines } = await run(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    join(import.meta.dirname, "support/run-record.ts"),
    JSON.stringify({ root, folder, ...options }),
  ]);
  if (code !== 0) throw new Error(lines.join("\n"));
  const { found, failed } = JSON.parse(stdout) as { found: RecordState | null; failed: boolean };
  return {
    failed,
    known: found && { last: found.record.deployments.at(-1)?.number, finished: found.finished },
  };
}

test("the real engine tells a preview what earlier runs recorded, finished or not", async () => {
  const first = await attempt({ operation: "up", record: recordOf(1), fails: false });
  expect(first).toEqual({ failed: false, known: null });
  const broken = await attempt({ operation: "up", record: recordOf(2), fails: true });
  expect(broken).toEqual({ failed: true, known: { last: 1, finished: 1 } });
  const preview = await attempt({ operation: "preview", record: recordOf(3), fails: false });
  expect(preview).toEqual({ failed: false, known: { last: 2, finished: 1 } });
});
