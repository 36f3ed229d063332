import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fingerprint, planCopy } from "../../../rehearsal/images/copy-files.ts";
import { parseDockerfile } from "../../../rehearsal/images/dockerfile.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lifeline-copy-"));
  mkdirSync(join(folder, "dir"));
  for (const name of ["a", "b", "dir/c"]) writeFileSync(join(folder, name), name);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const plan = (line: string, workdir = "/srv") => {
  const [copy] = parseDockerfile(line, "Dockerfile");
  return planCopy(copy!, copy!.text, { folder }, workdir);
};

describe("planCopy", () => {
  test.each([
    ["COPY a /x/y", "/x", ["y"]],
    ["COPY a /x/", "/x", ["a"]],
    ["COPY a b /x/", "/x", ["a", "b"]],
    ["COPY dir /x", "/x", ["c"]],
    ["COPY a here", "/srv", ["here"]],
    ["COPY a .", "/srv", ["a"]],
    ["COPY a sub/", "/srv/sub", ["a"]],
  ])("%s lands in %s as docker build has it", (line, target, names) => {
    const { folder: into, files } = plan(line);
    expect(into).toBe(target);
    expect(files.map(({ name }) => name)).toEqual(names);
  });

  test("takes owner and mode", () => {
    expect(plan("COPY --chown=10001:10002 --chmod=640 a /x")).toMatchObject({
      owner: { uid: 10001, gid: 10002 },
      mode: 0o640,
    });
  });

  test.each([
    ["COPY a", "COPY needs a source and a target"],
    ["COPY a b /x", 'the target of several files must end with "/", got /x'],
    ["COPY missing /x", "missing does not exist in the build context"],
    ["COPY ../a /x", "../a is outside the build context"],
    ["COPY *.sh /x/", "patterns are not supported in COPY, got *.sh; name the files"],
    ["COPY --chown=root a /x", "--chown must be numbers UID:GID, got root"],
    ["COPY --chmod=u+x a /x", "--chmod must be octal such as 755, got u+x"],
  ])("refuses %s", (line, message) => {
    expect(() => plan(line)).toThrow(`Dockerfile:1: ${message}`);
  });
});

describe("fingerprint", () => {
  const of = async () => JSON.stringify(await fingerprint(plan("COPY a dir /x/")));

  test.each([
    ["a file's content", () => writeFileSync(join(folder, "dir/c"), "other")],
    ["a new file", () => writeFileSync(join(folder, "dir/d"), "")],
    ["the executable bit", () => chmodSync(join(folder, "a"), 0o755)],
  ])("changes with %s", async (_what, change) => {
    const before = await of();
    change();
    expect(await of()).not.toBe(before);
  });

  test("does not change with dates and other bits of the mode, which differ between clones", async () => {
    const before = await of();
    utimesSync(join(folder, "a"), 1, 1);
    chmodSync(join(folder, "a"), 0o600);
    expect(await of()).toBe(before);
  });
});
