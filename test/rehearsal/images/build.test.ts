import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jest } from "@jest/globals";

import { buildImages } from "../../../rehearsal/images/build-images.ts";
import { buildImage } from "../../../rehearsal/images/image-build.ts";
import { LayerStore } from "../../../rehearsal/images/layer-store.ts";
import { type Archive, writeArchive } from "../../../rehearsal/images/oci-archive.ts";

jest.setTimeout(30_000);

const scripts = join(import.meta.dirname, "..", "..", "..", "rehearsal", "images");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lifeline-build-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Builds a Dockerfile beside the given files, in a cache of its own. */
async function build(
  dockerfile: string,
  files: Readonly<Record<string, string>> = {},
  cache = "cache",
): Promise<Archive> {
  const context = join(folder, "context");
  mkdirSync(context, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(context, name), text);
  writeFileSync(join(folder, "Dockerfile"), dockerfile);
  const store = new LayerStore(join(folder, cache));
  const content = await buildImage(
    { dockerfile: join(folder, "Dockerfile"), context: { folder: context } },
    store,
    () => undefined,
  );
  const archives = join(folder, cache, "archives");
  mkdirSync(archives, { recursive: true });
  return writeArchive(archives, "localhost/lifeline/example", content);
}

/** Unpacks an archive and reads its JSON. */
function open({ path }: Archive) {
  const layout = join(folder, "layout");
  mkdirSync(layout);
  spawnSync("tar", ["-C", layout, "-xf", path]);
  const blob = (digest: string): Buffer =>
    readFileSync(join(layout, "blobs", "sha256", digest.replace("sha256:", "")));
  const json = (digest: string): unknown => JSON.parse(blob(digest).toString());
  return {
    index: JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as unknown,
    blob,
    json,
  };
}

describe("without root", () => {
  test("building is refused with what to do, before anything is written", async () => {
    const getuid = jest.spyOn(process, "getuid").mockReturnValue(1000);
    const toolchain = { pause: "/x", coredns: "/x", traefik: "/x" };
    const building = buildImages({
      cache: join(folder, "cache"),
      toolchain,
      reporter: { status: () => undefined },
    });
    await expect(building).rejects.toThrow(
      "building images needs root, for chroot and overlay mounts: run it with sudo",
    );
    getuid.mockRestore();
    expect(existsSync(join(folder, "cache"))).toBe(false);
  });

  test.each([
    ["RUN true", "Dockerfile:1: RUN before FROM; only ARG may come first"],
    ["ARG A", "Dockerfile:1: ARG A needs a default value, written A=value"],
    ["ARG A=1", "Dockerfile: there is no FROM"],
    [
      "FROM alpine",
      "Dockerfile:1: FROM alpine is not supported; supported are debian:bookworm-slim",
    ],
    ["FROM scratch AS build", "Dockerfile:1: builds of several stages are not supported"],
    ["FROM scratch\nFROM scratch", "Dockerfile:2: builds of several stages are not supported"],
    ['FROM scratch\nRUN ["true"]', "Dockerfile:2: the JSON form of RUN is not supported"],
    ["FROM scratch\nENV A", "Dockerfile:2: A has no value; write A=value"],
    ["FROM scratch\nEXPOSE http", "Dockerfile:2: EXPOSE takes PORT or PORT/udp, got http"],
  ])("%p is refused", async (dockerfile, message) => {
    await expect(build(dockerfile)).rejects.toThrow(message);
  });

  test("what a dead process left half-made is removed, what a living one is making is not", () => {
    const store = join(folder, "store");
    const living = `making-${String(process.pid)}-${/ (\d+)/.exec(stat())?.[1] ?? ""}-abc`;
    for (const name of ["making-4194304-1-abc", `making-${String(process.pid)}-1-abc`, living])
      mkdirSync(join(store, name), { recursive: true });
    new LayerStore(store);
    expect(readdirSync(store)).toEqual([living]);
  });
});

const asRoot = process.getuid?.() === 0;
const describeAsRoot = asRoot ? describe : describe.skip;
describeAsRoot(asRoot ? "as root" : "as root (skipped: this is not root)", () => {
  const example = `
    ARG BASE=scratch
    FROM \${BASE}
    LABEL who="me and you"
    COPY --chown=10001:10001 --chmod=755 program /bin/program
    ENV MODE=fast
    WORKDIR /srv
    COPY data .
    USER 10001:10001
    EXPOSE 80 53/udp
    STOPSIGNAL SIGINT
    ENTRYPOINT ["/bin/program"]
    CMD ["--mode", "x"]`;
  const files = { program: "#!", data: "1" };

  test("an archive is named by tag and by the digest of its manifest, and every blob by its own", async () => {
    const archive = await build(example, files);
    const { index, blob, json } = open(archive);
    const names = (
      index as { manifests: { digest: string; annotations: Record<string, string> }[] }
    ).manifests;
    expect(names.map(({ digest }) => digest)).toEqual([archive.digest, archive.digest]);
    expect(names.map(({ annotations }) => annotations["io.containerd.image.name"])).toEqual([
      `localhost/lifeline/example:${archive.tag}`,
      `localhost/lifeline/example@${archive.digest}`,
    ]);
    const manifest = json(archive.digest) as {
      config: { digest: string };
      layers: { digest: string; size: number }[];
    };
    for (const { digest } of [{ digest: archive.digest }, manifest.config, ...manifest.layers])
      expect(`sha256:${createHash("sha256").update(blob(digest)).digest("hex")}`).toBe(digest);
    const config = json(manifest.config.digest) as { rootfs: { diff_ids: string[] } };
    expect(config).toMatchObject({
      config: {
        User: "10001:10001",
        Env: ["MODE=fast"],
        WorkingDir: "/srv",
        Entrypoint: ["/bin/program"],
        Cmd: ["--mode", "x"],
        StopSignal: "SIGINT",
        ExposedPorts: { "80/tcp": {}, "53/udp": {} },
        Labels: { who: "me and you" },
      },
    });
    const plain = manifest.layers.map(
      ({ digest }) => spawnSync("zstd", ["-dc"], { input: blob(digest) }).stdout,
    );
    expect(plain.map((tar) => `sha256:${createHash("sha256").update(tar).digest("hex")}`)).toEqual(
      config.rootfs.diff_ids,
    );
    const listing = plain
      .map(
        (tar) =>
          spawnSync("tar", ["--numeric-owner", "-tvf", "-"], { input: tar, encoding: "utf8" })
            .stdout,
      )
      .join("");
    expect(listing).toMatch(/^-rwxr-xr-x 10001\/10001 +2 1970-01-01 00:00 bin\/program$/m);
    expect(listing).toMatch(/^-rw-r--r-- 0\/0 +1 1970-01-01 00:00 srv\/data$/m);
  });

  test("the same files give the same digest in another cache; a second build makes nothing", async () => {
    const first = await build(example, files);
    expect(first.cached).toBe(false);
    expect(await build(example, files)).toEqual({ ...first, cached: true });
    expect((await build(example, files, "other")).digest).toBe(first.digest);
    expect((await build(example, { ...files, data: "2" })).digest).not.toBe(first.digest);
  });

  test("leaves no mount and no half-made layer", async () => {
    await build(example, files);
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(folder);
    expect(readdirSync(join(folder, "cache")).filter((name) => name.startsWith("making-"))).toEqual(
      [],
    );
  });

  test("a RUN without a Debian image below is refused with its place", async () => {
    await expect(build("FROM scratch\nRUN true")).rejects.toThrow(
      /Dockerfile:2: RUN true failed: .*RUN needs a Debian image below it/s,
    );
  });

  test("COPY never follows an image's absolute link out to this machine", async () => {
    mkdirSync(join(folder, "context"));
    mkdirSync(join(folder, "outside"));
    symlinkSync(join(folder, "outside"), join(folder, "context", "link"));
    await expect(
      build("FROM scratch\nCOPY link /link\nCOPY data /link/", { data: "1" }),
    ).rejects.toThrow(/Dockerfile:3: .*goes through an absolute symbolic link/s);
    expect(readdirSync(join(folder, "outside"))).toEqual([]);
  });

  test("a layer carries deletions, and folders that were emptied and made again", () => {
    for (const name of [
      "lower/gone",
      "lower/again/old",
      "lower/kept/old",
      "step/upper",
      "step/work",
      "root",
    ])
      mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, "lower/file"), "");
    const change = `
      mount -t overlay overlay -o lowerdir=lower,upperdir=step/upper,workdir=step/work,redirect_dir=off,metacopy=off root
      cd root && rm -r gone file again && mkdir again new && touch again/new kept/new`;
    expect(spawnSync("unshare", ["--mount", "sh", "-ec", change], { cwd: folder }).status).toBe(0);
    expect(
      spawnSync(join(scripts, "pack-layer.sh"), [join(folder, "step"), "lower", "0"], {
        cwd: folder,
      }).status,
    ).toBe(0);
    const { stdout } = spawnSync("sh", ["-c", "zstd -dc step/blob | tar -tf -"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(stdout.trim().split("\n").sort()).toEqual(
      [
        ".wh.file",
        ".wh.gone",
        "again/",
        "again/.wh..wh..opq",
        "again/new",
        "kept/",
        "kept/new",
        "new/",
      ].sort(),
    );
  });
});

/** The start time of this process, behind its name. */
function stat(): string {
  const fields = readFileSync(`/proc/${String(process.pid)}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return ` ${fields[19] ?? ""}`;
}
