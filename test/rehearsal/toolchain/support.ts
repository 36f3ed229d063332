import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AcquireContext } from "../../../rehearsal/toolchain/acquire.ts";
import { Downloader } from "../../../rehearsal/toolchain/download.ts";
import { GoBuilder } from "../../../rehearsal/toolchain/go-build.ts";
import type { Tool } from "../../../rehearsal/toolchain/tools.ts";

/** The released program; the built one prints something else. */
export const released = "#!/bin/sh\necho hello 1.2.3, released\n";
export const sha256 = (content: string | Buffer): string =>
  createHash("sha256").update(content).digest("hex");

const temporaryFolders: string[] = [];

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lifeline-toolchain-"));
  temporaryFolders.push(folder);
  return folder;
}

export async function removeTemporaryFolders(): Promise<void> {
  for (const folder of temporaryFolders.splice(0)) await rm(folder, { recursive: true });
}

/** A module whose program prints "built". */
export async function goModule(source = 'func main() { println("built") }'): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "go.mod"), "module lifeline.local/hello\n\ngo 1.21\n");
  await writeFile(join(folder, "main.go"), `package main\n\n${source}\n`);
  return folder;
}

/** The tool `hello` 1.2.3, released at `base` and built from `folder`. */
export const hello = (folder: string, base?: string): Tool => ({
  name: "hello",
  version: "v1.2.3",
  folder,
  package: ".",
  ldflags: "-s -w",
  binaries: { hello: { versionArguments: ["--version"] } },
  ...(base === undefined
    ? {}
    : {
        downloads: () => [
          { url: `${base}/v1.2.3/hello`, checksums: `${base}/v1.2.3/SHA256SUMS`, binary: "hello" },
        ],
      }),
});

/** What an acquisition needs, and everything it says. */
export async function context(
  cache?: string,
): Promise<AcquireContext & { readonly said: string[] }> {
  const said: string[] = [];
  return {
    toolsFolder: cache ?? (await temporaryFolder()),
    downloader: new Downloader(),
    builder: new GoBuilder(),
    searchPath: "",
    reporter: { status: (text) => said.push(text) },
    said,
  };
}

export interface Publisher {
  readonly base: string;
  /** Paths asked for, in order. */
  readonly asked: string[];
  readonly server: Server;
}

/** A release server on the loopback address. */
export async function publish(answer: RequestListener, port = 0): Promise<Publisher> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const { port: bound } = server.address() as AddressInfo;
  return { base: `http://127.0.0.1:${String(bound)}`, asked, server };
}

export function withdraw({ server }: Publisher): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

/** Serves the release with its right checksum; `body` answers for the program instead. */
export const release =
  (body: RequestListener = (_request, response) => response.end(released)): RequestListener =>
  (request, response) => {
    if (request.url?.endsWith("SHA256SUMS") === true) {
      response.end(`${sha256("other")}  other\n${sha256(released)}  hello\n`);
    } else body(request, response);
  };

/** A folder with executable scripts, fit for a search path. */
export async function programs(scripts: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return folder;
}

/** Runs work with another PATH. */
export async function withPath<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const before = process.env["PATH"];
  process.env["PATH"] = path;
  try {
    return await work();
  } finally {
    process.env["PATH"] = before;
  }
}

/** Waits for something that another process brings about. */
export async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setTimeout(resolve, 20));
}
