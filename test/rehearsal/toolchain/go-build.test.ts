import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { requireGo } from "../../../rehearsal/toolchain/go-build.ts";
import { programs, removeTemporaryFolders, temporaryFolder, withPath } from "./support.ts";

afterAll(removeTemporaryFolders);

const moduleFor = async (goLine: string): Promise<string> => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "go.mod"), `module lifeline.local/x\n\ngo ${goLine}\n`);
  return folder;
};

/** A Go that says which version it is, as `go env GOVERSION` does. */
const go = (version: string): Promise<string> => programs({ go: `echo ${version}` });

describe("before a build", () => {
  test.each([
    ["1.25.0", "go1.25.0"],
    ["1.25.0", "go1.26"],
    ["1.9.0", "go1.10.1"],
    ["1.25.11", "devel go1.27-abcdef"],
  ])("Go %s is satisfied by %s", async (needed, version) => {
    const folder = await moduleFor(needed);
    await withPath(await go(version), () => requireGo(folder, "hello v1", undefined));
  });

  test.each([
    ["1.25.11", "go1.25.9"],
    ["1.25.0", "go1.19.8"],
  ])(
    "Go %s is not satisfied by %s, and one sentence says what to install",
    async (needed, version) => {
      const folder = await moduleFor(needed);
      const refused = await withPath(await go(version), () =>
        requireGo(folder, "hello v1").catch((error: unknown) => error),
      );
      expect(refused).toMatchObject({
        code: 3,
        message: `hello v1 needs Go ${needed}, and this is ${version}. Fix: install Go ${needed} or newer (https://go.dev/dl), then run the command again.`,
      });
    },
  );

  test("an old Go that refuses the module and fetches no newer one is named", async () => {
    const path = await programs({
      go: '[ "$1" = version ] || exit 1\necho go version go1.24.2 linux/amd64',
    });
    const folder = await moduleFor("1.25.0");
    await expect(withPath(path, () => requireGo(folder, "hello v1"))).rejects.toThrow(
      "and this is go1.24.2.",
    );
  });

  test("a machine without Go is told what to install", async () => {
    const folder = await moduleFor("1.25.0");
    const empty = await temporaryFolder();
    await expect(withPath(empty, () => requireGo(folder, "hello v1"))).rejects.toThrow(
      "hello v1 needs Go 1.25.0, and Go is not on PATH. Fix: install Go 1.25.0 or newer",
    );
  });
});
