import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jest } from "@jest/globals";

import { run } from "../../rehearsal/command.ts";
import { cache, repository } from "../../rehearsal/paths.ts";
import { acquireTools } from "../../rehearsal/toolchain/toolchain.ts";

/** The first run may build the engine. */
jest.setTimeout(45 * 60_000);

const folder = mkdtempSync(join(tmpdir(), "lifeline-stopped-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("the real engine tells of a gate that refuses, in its own output, with the command that goes back", async () => {
  const reporter = () => ({ status: () => undefined });
  const { bin } = await acquireTools(["pulumi"], { cache, reporter });
  writeFileSync(join(folder, "Pulumi.yaml"), "name: lifeline\nruntime: nodejs\n");
  writeFileSync(join(folder, "passphrase"), "test");
  const { stdout, lines } = await run(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    join(import.meta.dirname, "support/run-stopped.ts"),
    JSON.stringify({
      pulumi: bin.pulumi,
      folder,
      analyzerFolder: join(repository, "rehearsal/engine-bin"),
      policyPacks: [join(repository, "policies")],
    }),
  ]);
  const answer = stdout.trim().split("\n").at(-1) ?? "";
  if (!answer.startsWith("{")) throw new Error(lines.join("\n"));
  const { said } = JSON.parse(answer) as { said: string };
  expect(said).toContain(
    [
      "v1.1.0 stopped at eu-north-1-smoke-outside",
      "  why:   FAILED  https://acme.test/: answered 503 instead of 200",
      "  keep:  npm run release -- keep --stack test",
      "  back:  go back to v1.0.0",
      "         pulumi config set a b && pulumi up",
    ].join("\n"),
  );
});
