import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jest } from "@jest/globals";

import { sealOf } from "../../config/released.ts";
import { parseRelease } from "../../config/release.ts";
import { run as runCommand } from "../../rehearsal/command.ts";
import { repository, releaseText } from "../support/stack-files.ts";

jest.setTimeout(60_000);

/** What the first process compiles, the others find. */
const compiled = mkdtempSync(join(tmpdir(), "lifeline-compiled-"));
afterAll(() => {
  rmSync(compiled, { recursive: true, force: true });
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lifeline-check-"));
  git("init", "--quiet", "--initial-branch=main");
  write(".gitignore", "node_modules\n");
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  write("package.json", JSON.stringify({ type: "module", dependencies: {} }));
  write("Pulumi.test.yaml", "config: { lifeline:release: v1.0.0 }\n");
  write("releases/v1.0.0.yaml", releaseText("v1.0.0"));
  write("index.ts", program("db"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function git(...args: string[]): string {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  return execFileSync("git", ["-C", folder, ...identity, ...args], { encoding: "utf8" });
}

function write(file: string, text: string): void {
  mkdirSync(join(folder, file, ".."), { recursive: true });
  writeFileSync(join(folder, file), text);
}

function commit(message: string): void {
  git("add", "--all");
  git("commit", "--quiet", "-m", message);
}

/** A program of one database. */
const program = (serviceName: string): string => `
import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
export default function program() {
  new StatefulSet("server", {
    metadata: { name: "db", namespace: "acme" },
    spec: { serviceName: "${serviceName}", selector: {}, template: {} },
  });
}
`;

/** Runs the command as npm does, on the fixture. */
async function check(...args: string[]) {
  const text = `
    import { checkRollback } from "${join(repository, "rollback/check/check.ts")}";
    const [against] = process.argv.slice(1);
    await checkRollback({ repository: ${JSON.stringify(folder)}, ...(against && { against }) });`;
  const { code, lines } = await runCommand(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", text, "--", ...args],
    { environment: { NODE_OPTIONS: "", NODE_COMPILE_CACHE: compiled }, cwd: repository },
  );
  const worktrees = existsSync(join(folder, ".git/worktrees"))
    ? readdirSync(join(folder, ".git/worktrees"))
    : [];
  expect(worktrees).toEqual([]);
  return { code, text: lines.join("\n") };
}

/** With a clone of the fixture in its place that has its last commit alone. */
async function inShallowClone(work: () => Promise<void>): Promise<void> {
  const whole = folder;
  folder = mkdtempSync(join(tmpdir(), "lifeline-shallow-"));
  try {
    execFileSync("git", ["clone", "--quiet", "--depth", "1", `file://${whole}`, folder]);
    symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
    await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
    folder = whole;
  }
}

test("says so where there is no earlier program", async () => {
  const { code, text } = await check();
  expect(text).toContain("test: 1 releases, each back to the one before");
  expect(text).toContain("no earlier program");
  expect(code).toBe(0);
});

test("says so of a real first commit", async () => {
  commit("first");
  const { code, text } = await check();
  expect(text).toContain("this is the first commit");
  expect(code).toBe(0);
});

test("fetches a history that is cut off, and refuses to answer where it cannot or there is none", async () => {
  commit("first");
  write("index.ts", program("other"));
  commit("second");
  await inShallowClone(async () => {
    const origin = git("remote", "get-url", "origin").trim();
    git("remote", "set-url", "origin", "file:///nowhere");
    const shallow = await check();
    expect(shallow.text).toContain("git fetch --unshallow");
    expect(shallow.code).not.toBe(0);
    git("remote", "set-url", "origin", origin);
    expect((await check()).text).toContain("test: server: replaces state");
    rmSync(join(folder, ".git"), { recursive: true });
    const none = await check();
    expect(none.text).toContain("is no git repository");
    expect(none.code).not.toBe(0);
  });
});

test("goes back to a commit that a shallow clone has", async () => {
  commit("first");
  await inShallowClone(async () => {
    const { code, text } = await check("HEAD");
    expect(text).toContain("back to the program of HEAD");
    expect(code).toBe(0);
  });
});

test("compares with the last commit, and refuses a change that would replace the database", async () => {
  commit("first");
  write("index.ts", program("other"));
  const { code, text } = await check();
  expect(text).toContain("test: server: replaces state");
  expect(text).toContain("spec.serviceName");
  expect(code).not.toBe(0);
});

test("compares with the commit before, the last tag, or where the branch left the main one", async () => {
  commit("first");
  write("index.ts", program("other"));
  commit("second");
  expect((await check()).text).toContain("test: server: replaces state");
  git("tag", "v0.1.0");
  write("other.txt", "x");
  commit("third");
  expect((await check()).text).toContain("the last tag, v0.1.0");
  git("checkout", "--quiet", "-b", "work");
  write("index.ts", program("third"));
  commit("fourth");
  write("other.txt", "y");
  commit("fifth");
  const { text } = await check();
  expect(text).toContain("test: server: replaces state");
});

test("goes back to what it is told to, and refuses what is no commit", async () => {
  commit("first");
  git("branch", "before");
  write("index.ts", program("other"));
  commit("second");
  write("other.txt", "x");
  commit("third");
  expect((await check()).code).toBe(0);
  expect((await check("before")).text).toContain("spec.serviceName");
  expect((await check("nowhere")).text).toContain('"nowhere" is no commit');
});

test("lets pass what is given up knowingly, and tells of entries that nothing needs", async () => {
  commit("first");
  write("index.ts", program("other"));
  const entry = {
    rule: "replaces state",
    subject: "*: server",
    reason: "restored from a backup by hand",
  };
  write("rollback/one-way.yaml", JSON.stringify([entry, { ...entry, subject: "*: gone" }]));
  const { code, text } = await check();
  expect(text).toContain("given up: replaces state, test: server");
  expect(text).toContain('"replaces state, *: gone" is not needed any more');
  expect(code).toBe(0);
  write("rollback/one-way.yaml", JSON.stringify([{ ...entry, reason: "because" }]));
  expect((await check()).text).toContain("reason");
});

test("refuses a release of which a first preview does not show everything", async () => {
  const late = `return { id: server.id.apply(() => new StatefulSet("late", { spec: { serviceName: "late", selector: {}, template: {} } }).id) };`;
  write(
    "index.ts",
    program("db")
      .replace("new StatefulSet", "const server = new StatefulSet")
      .replace("});\n}", `});\n${late}\n}`),
  );
  const { text } = await check();
  expect(text).toContain("v1.0.0: kubernetes:apps/v1:StatefulSet late: does not render");
  expect(text).toContain("outside of apply()");
});

test("refuses a kept release that is not valid, or gone, although the stack runs another one", async () => {
  const parsed = parseRelease("v1.0.0", releaseText("v1.0.0"));
  if ("problems" in parsed) throw new Error("v1.0.0 is not valid");
  write("releases/released.json", JSON.stringify({ "v0.9.0": sealOf(parsed.release) }));
  write("releases/v0.8.0.yaml", "version: v0.8.0\n");
  const { code, text } = await check();
  expect(text).toContain("releases/v0.9.0.yaml: released file");
  expect(text).toContain("releases/v0.8.0.yaml: images: released file");
  expect(code).toBe(1);
});

test("refuses an earlier program that does not run any more, and a seal that was taken back", async () => {
  const parsed = parseRelease("v1.0.0", releaseText("v1.0.0"));
  if ("problems" in parsed) throw new Error("v1.0.0 is not valid");
  write("releases/released.json", JSON.stringify({ "v1.0.0": sealOf(parsed.release) }));
  write("index.ts", "export default function program() { throw new Error('out of order'); }\n");
  commit("first");
  write("index.ts", program("db"));
  write("releases/released.json", "{}");
  const { text } = await check();
  expect(text).toContain("test: does not render");
  expect(text).toContain("out of order");
  expect(text).toContain("releases/released.json: v1.0.0: released file");
});
