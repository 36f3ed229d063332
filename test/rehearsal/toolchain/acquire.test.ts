import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { afterAll, afterEach, describe, expect, jest, test } from "@jest/globals";
import { acquire } from "../../../rehearsal/toolchain/acquire.ts";
import { run } from "../../../rehearsal/command.ts";
import * as support from "./support.ts";

const { context, goModule, hello, programs, publish, release, released, temporaryFolder } = support;

/** On a new machine the tools are compiled beside this. */
jest.setTimeout(300_000);
afterAll(support.removeTemporaryFolders);

const publishers: support.Publisher[] = [];
const serve = async (...args: Parameters<typeof publish>) => {
  const publisher = await publish(...args);
  publishers.push(publisher);
  return publisher;
};
afterEach(async () => {
  await Promise.all(publishers.splice(0).map(support.withdraw));
});

const print = async (program: string | undefined): Promise<string> =>
  (await run(program ?? "", [])).lines.join("\n");
const entries = (cache: string): Promise<string[]> => readdir(join(cache, "hello"));

describe("a release that can be downloaded", () => {
  test("is verified, installed and executable", async () => {
    const { base } = await serve(release());
    const { how, binaries } = await acquire(hello(await goModule(), base), await context());
    expect(how).toBe("downloaded");
    expect(await print(binaries["hello"])).toBe("hello 1.2.3, released");
  });

  test("comes out of its archive", async () => {
    const folder = await temporaryFolder();
    const member = `${basename(folder)}/hello`;
    await writeFile(join(folder, "hello"), released, { mode: 0o644 });
    await run("tar", ["-czf", join(folder, "a.tar.gz"), "-C", dirname(folder), member]);
    const archive = await readFile(join(folder, "a.tar.gz"));
    const { base } = await serve((request, response) => {
      response.end(
        request.url === "/sums" ? `${support.sha256(archive)} *hello.tar.gz\n` : archive,
      );
    });
    const downloads = () => [
      { url: `${base}/hello.tar.gz`, checksums: `${base}/sums`, binary: "hello", member },
    ];
    const { how, binaries } = await acquire(
      { ...hello(await goModule()), downloads },
      await context(),
    );
    expect(how).toBe("downloaded");
    expect(await print(binaries["hello"])).toBe("hello 1.2.3, released");
  });

  test("is asked for once: the next run takes it from the cache", async () => {
    const { base, asked } = await serve(release());
    const tool = hello(await goModule(), base);
    const first = await context();
    await acquire(tool, first);
    const again = await acquire(tool, await context(first.toolsFolder));
    expect(again).toMatchObject({ how: "downloaded", fromCache: true });
    expect(asked).toHaveLength(2);
  });

  test("is fetched again when the cached file has lost bytes", async () => {
    const { base } = await serve(release());
    const tool = hello(await goModule(), base);
    const first = await context();
    const { binaries } = await acquire(tool, first);
    await writeFile(binaries["hello"] ?? "", "");
    expect(await acquire(tool, await context(first.toolsFolder))).toMatchObject({
      fromCache: false,
    });
    expect(await print(binaries["hello"])).toBe("hello 1.2.3, released");
  });
});

describe("a release that cannot be had is built from its Go module instead", () => {
  const refusals: [string, Parameters<typeof publish>[0], RegExp][] = [
    [
      "its checksum is wrong",
      release((_request, response) => response.end("tampered")),
      /publisher says .*: refused/,
    ],
    [
      "it is not listed",
      (_request, response) => response.end(`${support.sha256(released)}  other\n`),
      /does not list hello/,
    ],
    [
      "the server answers 404",
      (_request, response) => response.writeHead(404).end(),
      /answers 404/,
    ],
    [
      "the server answers 500",
      (_request, response) => response.writeHead(500).end(),
      /answers 500/,
    ],
    [
      "the body breaks off",
      release((_request, response) => {
        response.writeHead(200, { "content-length": released.length });
        response.write(released.slice(0, 10), () => response.destroy());
      }),
      /broke off/,
    ],
  ];
  test.each(refusals)("when %s", async (_name, answer, reason) => {
    const { base } = await serve(answer);
    const environment = await context();
    const { how, because, binaries } = await acquire(hello(await goModule(), base), environment);
    expect(how).toBe("built");
    expect(because).toMatch(reason);
    expect(await print(binaries["hello"])).toBe("built");
    expect(
      environment.said.some((line) => line.startsWith("building with Go") && reason.test(line)),
    ).toBe(true);
  });

  test("when the server cannot be reached", async () => {
    const gone = await publish(release());
    await support.withdraw(gone);
    const { how, because } = await acquire(hello(await goModule(), gone.base), await context());
    expect(how).toBe("built");
    expect(because).toMatch(/^127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)$/);
  });
});

describe("a program on the machine", () => {
  const versions: [string, string, string][] = [
    ["at the pinned version is used", "echo hello version v1.2.3", "found"],
    ["at another version is left alone", "echo hello version v1.2.30", "built"],
    ["of a vendor's variant is left alone", "echo hello version v1.2.3+vendor.1", "built"],
    ["that fails is left alone", "echo v1.2.3; exit 1", "built"],
  ];
  test.each(versions)("%s", async (_name, script, how) => {
    const searchPath = await programs({ hello: script });
    const acquired = await acquire(hello(await goModule()), { ...(await context()), searchPath });
    expect(acquired.how).toBe(how);
    expect(acquired.binaries["hello"]?.startsWith(searchPath)).toBe(how === "found");
  });

  test("is not used when a second program of the same tool is missing", async () => {
    const searchPath = await programs({ hello: "echo v1.2.3" });
    const tool = {
      ...hello(await goModule()),
      binaries: { hello: { versionArguments: [] }, world: { versionArguments: [] } },
    };
    await expect(acquire(tool, { ...(await context()), searchPath })).rejects.toThrow(
      "made hello but not world",
    );
  });
});

describe("a built tool", () => {
  test("is built again when its source changes", async () => {
    const folder = await goModule();
    const first = await context();
    await acquire(hello(folder), first);
    await writeFile(
      join(folder, "main.go"),
      'package main\n\nfunc main() { println("changed") }\n',
    );
    const { fromCache, binaries } = await acquire(hello(folder), await context(first.toolsFolder));
    expect(fromCache).toBe(false);
    expect(await print(binaries["hello"])).toBe("changed");
  });

  test("that does not compile leaves nothing, and names the error and the command to repeat", async () => {
    const folder = await goModule("func main() { undefinedThing() }");
    const environment = await context();
    const failure = await acquire(hello(folder), environment).catch(String);
    expect(failure).toMatch(/main\.go:3:15: undefined: undefinedThing/);
    expect(failure).toContain(`cd ${folder} && CGO_ENABLED=0 GOWORK=off go build -trimpath`);
    expect(await entries(environment.toolsFolder)).toEqual([]);
  });

  test("is not started when the run was ended, and leaves nothing", async () => {
    const environment = await context();
    const signal = AbortSignal.abort(new Error("interrupted"));
    await expect(acquire(hello(await goModule()), { ...environment, signal })).rejects.toThrow(
      "interrupted",
    );
    expect(await readdir(environment.toolsFolder)).toEqual([]);
  });

  test("that is ended while it is compiled leaves nothing and stops the compiler", async () => {
    const path = await programs({
      go: '[ "$1" = env ] && echo go9.9 && exit; touch "$0.started"; exec sleep 300',
    });
    const environment = await context();
    const ending = new AbortController();
    const folder = await goModule();
    await support.withPath(`${path}:/usr/bin:/bin`, async () => {
      const acquiring = acquire(hello(folder), { ...environment, signal: ending.signal });
      await support.until(() => existsSync(join(path, "go.started")));
      ending.abort(new Error("interrupted"));
      await expect(acquiring).rejects.toThrow("interrupted");
    });
    expect(await entries(environment.toolsFolder)).toEqual([]);
  });
});

describe("two runs", () => {
  const child = (...args: string[]) =>
    spawn(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        join(import.meta.dirname, "acquire-in-child.ts"),
        ...args,
      ],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );

  /** A server that holds the program back half way until told to finish. */
  const holdBack = async () => {
    const started = Promise.withResolvers<undefined>();
    const finish = Promise.withResolvers<undefined>();
    const publisher = await serve(
      release((_request, response) => {
        response.write(released.slice(0, 10));
        started.resolve(undefined);
        void finish.promise.then(() => response.end(released.slice(10)));
      }),
    );
    return {
      publisher,
      started: started.promise,
      finish: () => {
        finish.resolve(undefined);
      },
    };
  };

  test("at once get a tool once: the second waits, says for whom, and takes the result", async () => {
    const [folder, cache] = [await goModule(), await temporaryFolder()];
    const { publisher, started, finish } = await holdBack();
    const other = child(cache, folder, publisher.base);
    await started;
    const mine = await context(cache);
    const acquiring = acquire(hello(folder, publisher.base), mine);
    await support.until(() => mine.said.some((line) => line.startsWith("waiting")));
    expect(mine.said.at(-1)).toBe(
      `waiting for another run, process ${String(other.pid)}, which is getting hello`,
    );
    finish();
    expect(await acquiring).toMatchObject({ how: "downloaded", fromCache: true });
    expect(publisher.asked.filter((path) => path.endsWith("/hello"))).toHaveLength(1);
    if (other.exitCode === null) await once(other, "exit");
  });

  test("where the first is killed half way leave nothing half-installed, and the second completes", async () => {
    const [folder, cache] = [await goModule(), await temporaryFolder()];
    const { publisher, started } = await holdBack();
    const killed = child(cache, folder, publisher.base);
    await started;
    killed.kill("SIGKILL");
    await once(killed, "exit");
    expect((await entries(cache)).filter((name) => name.startsWith("v1.2.3"))).toEqual([]);

    const { base } = await serve(release());
    const { how, fromCache, binaries } = await acquire(hello(folder, base), await context(cache));
    expect({ how, fromCache }).toEqual({ how: "downloaded", fromCache: false });
    expect(await print(binaries["hello"])).toBe("hello 1.2.3, released");
    expect((await entries(cache)).filter((name) => name.startsWith("."))).toEqual([]);
  });
});
