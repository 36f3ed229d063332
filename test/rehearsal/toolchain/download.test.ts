/**
 * Its timers are false, and must not be those of the process.
 * @jest-environment node
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, jest, test } from "@jest/globals";
import { checksumFor, Downloader } from "../../../rehearsal/toolchain/download.ts";
import {
  publish,
  release,
  removeTemporaryFolders,
  sha256,
  temporaryFolder,
  withdraw,
} from "./support.ts";

afterAll(removeTemporaryFolders);

const quiet = { status: () => undefined };
const file = async (): Promise<string> => join(await temporaryFolder(), "hello");
const at = (base: string) => ({
  url: `${base}/hello`,
  checksums: `${base}/SHA256SUMS`,
  binary: "hello",
});

afterEach(() => {
  jest.useRealTimers();
});

describe("a publisher's checksum list", () => {
  const hash = sha256("hello");
  const lists: [string, string, string | undefined][] = [
    ["of several files", `${sha256("x")}  other\n${hash}  hello\n`, hash],
    ["in binary mode", `${hash} *hello\n`, hash],
    ["with paths", `${hash}  ./dist/hello\n`, hash],
    ["that is a hash alone", `${hash}\n`, hash],
    ["in capitals", `${hash.toUpperCase()}  hello\n`, hash],
    ["without the file", `${hash}  hello.asc\n`, undefined],
    ["that is a web page", "<html>404</html>", undefined],
    ["with a cut-off hash", `${hash.slice(1)}  hello\n`, undefined],
  ];
  test.each(lists)("%s", (_name, list, expected) => {
    expect(checksumFor("hello", list)).toBe(expected);
  });
});

describe("a download", () => {
  test("that is refused leaves no file", async () => {
    const publisher = await publish(release((_request, response) => response.end("tampered")));
    const target = await file();
    await expect(new Downloader().fetchVerified(at(publisher.base), target, quiet)).rejects.toThrow(
      "refused",
    );
    await expect(access(target)).rejects.toThrow("ENOENT");
    await withdraw(publisher);
  });

  test("does not ask a host again that could not be reached in this run", async () => {
    const gone = await publish(release());
    await withdraw(gone);
    const downloader = new Downloader();
    await expect(downloader.fetchVerified(at(gone.base), await file(), quiet)).rejects.toThrow(
      "cannot be reached",
    );
    const back = await publish(release(), Number(new URL(gone.base).port));
    await expect(downloader.fetchVerified(at(gone.base), await file(), quiet)).rejects.toThrow(
      "cannot be reached",
    );
    expect(back.asked).toEqual([]);
    await withdraw(back);
  });

  test("asks a host again that was reached but lacked a file", async () => {
    let lacks = true;
    const publisher = await publish((request, response) => {
      if (lacks) response.writeHead(404).end();
      else release()(request, response);
    });
    const downloader = new Downloader();
    await expect(downloader.fetchVerified(at(publisher.base), await file(), quiet)).rejects.toThrow(
      "answers 404",
    );
    lacks = false;
    await downloader.fetchVerified(at(publisher.base), await file(), quiet);
    await withdraw(publisher);
  });

  test.each([
    [
      "that is never answered is given up after 5 s",
      5_000,
      () => undefined,
      "no answer within 5 s",
    ],
    [
      "that stops half way is given up after 20 s",
      20_000,
      release((_request, response) => void response.write("half")),
      "broke off: no data for 20 s",
    ],
  ] as const)("%s", async (_name, limitMs, answer, message) => {
    jest.useFakeTimers({
      doNotFake: ["nextTick", "setImmediate", "queueMicrotask", "performance", "Date"],
    });
    const publisher = await publish(answer);
    const failure = new Downloader()
      .fetchVerified(at(publisher.base), await file(), quiet)
      .catch(String);
    const wanted = message.startsWith("broke") ? 2 : 1;
    while (publisher.asked.length < wanted) await new Promise((resolve) => setImmediate(resolve));
    for (let settle = 0; settle < 200; settle += 1)
      await new Promise((resolve) => setImmediate(resolve));
    jest.advanceTimersByTime(limitMs);
    expect(await failure).toContain(message);
    await withdraw(publisher);
  });

  test("ends at once when the run is ended", async () => {
    const publisher = await publish(() => undefined);
    const ending = new AbortController();
    const failure = new Downloader().fetchVerified(
      at(publisher.base),
      await file(),
      quiet,
      ending.signal,
    );
    ending.abort(new Error("interrupted"));
    await expect(failure).rejects.toThrow("interrupted");
    await withdraw(publisher);
  });
});
