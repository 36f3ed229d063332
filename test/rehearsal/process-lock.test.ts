import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { holderOf, startTicks, takeLock } from "../../rehearsal/process-lock.ts";

const lockFile = () => join(mkdtempSync(join(tmpdir(), "lifeline-lock-")), "run.lock");

describe("takeLock", () => {
  it("gives the lock once and names its holder to the second", () => {
    const file = lockFile();
    const release = takeLock(file, "start");
    expect(typeof release).toBe("function");
    expect(takeLock(file, "stop")).toMatchObject({ pid: process.pid, command: "start" });
  });

  it("is free again after its release", () => {
    const file = lockFile();
    const release = takeLock(file, "start") as () => void;
    release();
    expect(holderOf(file)).toBeUndefined();
    expect(typeof takeLock(file, "start")).toBe("function");
  });

  it("takes over from a holder that was killed", async () => {
    const file = lockFile();
    const child = spawn("sleep", ["60"]);
    const pid = child.pid!;
    writeFileSync(file, JSON.stringify({ pid, startTicks: startTicks(pid), command: "start" }));
    expect(takeLock(file, "stop")).toMatchObject({ pid });
    child.kill("SIGKILL");
    await new Promise((gone) => child.on("exit", gone));
    expect(typeof takeLock(file, "stop")).toBe("function");
  });

  it("does not take a later process with the same number for the holder", () => {
    const file = lockFile();
    writeFileSync(file, JSON.stringify({ pid: process.pid, startTicks: "1", command: "start" }));
    expect(typeof takeLock(file, "start")).toBe("function");
  });

  it("takes over a lock file that was only half written", () => {
    const file = lockFile();
    writeFileSync(file, '{"pid":');
    expect(typeof takeLock(file, "start")).toBe("function");
  });
});
