import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { clearPendingOperations } from "../../rehearsal/checkpoint.ts";

const resource = { urn: "urn:pulumi:local::lifeline::pulumi:pulumi:Stack::lifeline-local" };

function checkpointFile(latest: object | null): string {
  const file = join(mkdtempSync(join(tmpdir(), "lifeline-checkpoint-")), "local.json");
  writeFileSync(file, JSON.stringify({ version: 3, checkpoint: { stack: "local", latest } }));
  return file;
}

describe("clearPendingOperations", () => {
  it("forgets what a killed update had begun, and keeps everything else as it is, secrets encrypted", () => {
    const secret = { ciphertext: "v1:abc=" };
    const latest = { manifest: { magic: "b6" }, resources: [{ ...resource, secret }] };
    const file = checkpointFile({
      ...latest,
      pending_operations: [{ resource, type: "creating" }],
    });
    clearPendingOperations(file);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      version: 3,
      checkpoint: { stack: "local", latest },
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(file))).toEqual(["local.json"]);
  });

  it.each([[{ resources: [resource] }], [null]])("leaves %j alone", (latest) => {
    const file = checkpointFile(latest);
    utimesSync(file, 1, 1);
    clearPendingOperations(file);
    expect(statSync(file).mtimeMs).toBe(1000);
  });

  it("has nothing to do before the first update", () => {
    expect(() => {
      clearPendingOperations("/nowhere/local.json");
    }).not.toThrow();
  });
});
