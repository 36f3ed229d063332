import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { installPackages, type Machine } from "../../../rehearsal/toolchain/apt.ts";
import { programs, removeTemporaryFolders, temporaryFolder } from "./support.ts";

afterAll(removeTemporaryFolders);

const quiet = { status: () => undefined };
/** Programs that no real machine has, so that the tests do not depend on what is installed. */
const wanted = [
  { package: "containerd", provides: ["test-containerd"] },
  { package: "nftables", provides: ["test-nft"] },
];
/** What an apt-get that succeeds does. */
const bring = 'for name in test-containerd test-nft; do cp "$0" "$here/$name"; done';

/** A machine whose apt-get logs its calls beside itself and does as `script` says. */
const machine = async (
  script: string,
  others: Record<string, string> = {},
): Promise<Machine & { folder: string }> => {
  const logged = (name: string) => `echo "${name} $*" >> "$(dirname "$0")/log"`;
  const folder = await programs({
    "apt-get": `${logged("apt-get")}\nhere=$(dirname "$0")\n${script}`,
    dpkg: logged("dpkg"),
    systemctl: logged("systemctl"),
    ...others,
  });
  return { folder, searchPath: `${folder}:/usr/bin:/bin`, isRoot: true, hasSystemd: false };
};
const calls = async (folder: string): Promise<string[]> =>
  (await readFile(join(folder, "log"), "utf8").catch(() => "")).split("\n").filter(Boolean);

describe("Debian packages", () => {
  test("are left alone when their programs are there, whoever brought them", async () => {
    const here = await machine("exit 1", {
      "test-containerd": "",
      "test-nft": "",
    });
    expect(await installPackages(wanted, here, quiet)).toEqual([]);
    expect(await calls(here.folder)).toEqual([]);
  });

  test("are installed only where missing, without removing any or asking", async () => {
    const here = await machine(bring, { "test-nft": "" });
    expect(await installPackages(wanted, here, quiet)).toEqual(["containerd"]);
    const [call, ...more] = await calls(here.folder);
    expect(call).toMatch(
      /^apt-get install --yes --no-install-recommends --no-remove .* containerd$/,
    );
    expect(more).toEqual([]);
  });

  test("are tried again after completing a killed installation and refreshing the lists", async () => {
    const here = await machine(
      `[ "$1" = update ] && touch "$here/fresh"; [ -e "$here/fresh" ] || exit 100; ${bring}`,
    );
    await installPackages(wanted, here, quiet);
    expect((await calls(here.folder)).map((call) => call.split(" ").slice(0, 2).join(" "))).toEqual(
      ["apt-get install", "dpkg --configure", "apt-get update", "apt-get install"],
    );
  });

  test("that apt cannot install are named with apt's own reason", async () => {
    const here = await machine(
      "echo Reading lists; echo 'E: Unable to locate package nftables' >&2; exit 100",
    );
    await expect(installPackages(wanted, here, quiet)).rejects.toThrow(
      "apt-get cannot install containerd nftables:\nE: Unable to locate package nftables\nFix: ",
    );
  });

  test("whose programs do not appear are not taken for installed", async () => {
    const here = await machine("exit 0");
    await expect(installPackages(wanted, here, quiet)).rejects.toThrow("test-containerd, test-nft");
  });

  test("start nothing on a systemd machine, now or at boot", async () => {
    const here = await machine(`[ "$SYSTEMD_OFFLINE" = 1 ] || exit 1; ${bring}`);
    await installPackages(wanted, { ...here, hasSystemd: true }, quiet);
    expect((await calls(here.folder)).at(-1)).toBe("systemctl disable --now containerd.service");
  });

  test("without root are named in one sentence, and nothing is run", async () => {
    const here = await machine("exit 0");
    const refused = await installPackages(wanted, { ...here, isRoot: false }, quiet).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({
      code: 3,
      message:
        "Installing containerd nftables needs root. Fix: run as root, or first: sudo apt-get install containerd nftables",
    });
    expect(await calls(here.folder)).toEqual([]);
  });

  test("without apt-get are named in one sentence", async () => {
    const empty = { searchPath: await temporaryFolder(), isRoot: true, hasSystemd: false };
    await expect(installPackages(wanted, empty, quiet)).rejects.toThrow(
      "This machine lacks containerd nftables and has no apt-get. Fix: install them",
    );
  });
});
