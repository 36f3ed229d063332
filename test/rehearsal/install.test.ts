import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { jest } from "@jest/globals";
import { repository } from "../../rehearsal/paths.ts";
import { startTicks } from "../../rehearsal/process-lock.ts";

jest.setTimeout(60_000);

const lockName = ".lifeline-install";

/** A clone with the real script, an `npm` of its own, and a command that only says that it ran. */
function cloneWith(npm: string): { readonly folder: string; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), "lifeline-install-"));
  cpSync(join(repository, "bin"), join(folder, "bin"), { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) writeFileSync(join(folder, file), "{}");
  mkdirSync(join(folder, "rehearsal"));
  writeFileSync(join(folder, "rehearsal/cli.ts"), 'console.log("the command ran");\n');
  const programs = join(folder, "programs");
  mkdirSync(programs);
  writeFileSync(join(programs, "npm"), `#!/bin/sh\n${npm}\n`);
  chmodSync(join(programs, "npm"), 0o755);
  return { folder, path: [programs, process.env["PATH"] ?? ""].join(delimiter) };
}

/** An install that works, and tells how often it was asked. */
const works = "mkdir -p node_modules; echo asked >> asked";

const start = (
  { folder, path }: ReturnType<typeof cloneWith>,
  environment: Readonly<Record<string, string>> = { NODE_OPTIONS: "" },
): ChildProcess =>
  spawn(process.execPath, [join(folder, "bin/lifeline.mjs")], {
    env: { ...process.env, ...environment, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
  });

async function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.on("close", done));
  return { code, output };
}

const said = (child: ChildProcess, words: string) =>
  new Promise<void>((done) => {
    child.stderr!.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes(words)) done();
    });
  });

const locksIn = (folder: string) => readdirSync(folder).filter((name) => name.startsWith(lockName));

describe("the door of the npm scripts", () => {
  it("installs once, and leaves no lock", async () => {
    const clone = cloneWith(works);
    expect(await ended(start(clone))).toMatchObject({ code: 0 });
    const { code, output } = await ended(start(clone));
    expect({ code, output }).toEqual({ code: 0, output: "the command ran\n" });
    expect(readFileSync(join(clone.folder, "asked"), "utf8")).toBe("asked\n");
    expect(locksIn(clone.folder)).toEqual([]);
  });

  it("leaves no lock when the install fails, so that the next run does not wait", async () => {
    const clone = cloneWith("echo no registry >&2; exit 1");
    const { code, output } = await ended(start(clone));
    expect(code).toBe(3);
    expect(output).toContain("no registry");
    expect(output).toContain("npm install failed (see above). Fix:");
    expect(output).not.toContain("the command ran");
    expect(locksIn(clone.folder)).toEqual([]);
  });

  it("says so when there is no npm", async () => {
    const clone = cloneWith(works);
    const { code, output } = await ended(start({ ...clone, path: "/nowhere" }));
    expect(code).toBe(3);
    expect(output).toContain("npm cannot be started");
    expect(locksIn(clone.folder)).toEqual([]);
  });

  it("takes over at once from a run that was killed", async () => {
    const clone = cloneWith(works);
    writeFileSync(
      join(clone.folder, lockName),
      JSON.stringify({ pid: process.pid, startTicks: "1" }),
    );
    const { code, output } = await ended(start(clone));
    expect(code).toBe(0);
    expect(output).not.toContain("Waiting");
    expect(locksIn(clone.folder)).toEqual([]);
  });

  it("waits for one that lives, and then finds everything installed", async () => {
    const clone = cloneWith(`${works}; while test ! -e go-on; do sleep 0.1; done`);
    const first = start(clone);
    await said(first, "Installing");
    const second = start(clone);
    await said(second, "Waiting for another npm install of this clone");
    writeFileSync(join(clone.folder, "go-on"), "");
    const both = await Promise.all([ended(first), ended(second)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(readFileSync(join(clone.folder, "asked"), "utf8")).toBe("asked\n");
  });

  it("ends the install and leaves no lock when it is interrupted", async () => {
    const clone = cloneWith("echo $$ > npm.pid; exec sleep 60");
    const child = start(clone);
    const end = ended(child);
    const pidFile = join(clone.folder, "npm.pid");
    while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "")
      await new Promise((done) => setTimeout(done, 50));
    child.kill("SIGINT");
    expect(await end).toMatchObject({ code: 130 });
    expect(startTicks(Number(readFileSync(pidFile, "utf8")))).toBeUndefined();
    expect(locksIn(clone.folder)).toEqual([]);
  });

  it("takes over the folder that was the lock once", async () => {
    const clone = cloneWith(works);
    mkdirSync(join(clone.folder, lockName));
    const { code, output } = await ended(start(clone));
    expect(code).toBe(0);
    expect(output).not.toContain("Waiting");
    expect(locksIn(clone.folder)).toEqual([]);
  });

  it("ends with the reason where no lock can be made", async () => {
    const clone = cloneWith(works);
    // Root may write anywhere, so the disk has to refuse.
    const readOnly = join(clone.folder, "read-only.mjs");
    writeFileSync(
      readOnly,
      `import fs from "node:fs";
      import { syncBuiltinESMExports } from "node:module";
      const refused = () => { throw Object.assign(new Error("read-only"), { code: "EROFS" }); };
      Object.assign(fs, { mkdirSync: refused, writeFileSync: refused, linkSync: refused });
      syncBuiltinESMExports();`,
    );
    const { code, output } = await ended(start(clone, { NODE_OPTIONS: `--import=${readOnly}` }));
    expect(code).toBe(3);
    expect(output).toContain(`${join(clone.folder, lockName)}: cannot be made: read-only. Fix:`);
  });
});
