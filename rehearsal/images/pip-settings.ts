import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../command.ts";

/** Where the folder is while a command of an image runs: empty in Debian, and left so. */
const place = "/mnt";

/** Settings about reaching an index; others, such as folders of this machine, mean nothing in an image. */
const transport = [
  "index-url",
  "extra-index-url",
  "trusted-host",
  "proxy",
  "cert",
  "client-cert",
  "timeout",
  "default-timeout",
  "retries",
];
/** Those of them that name files. */
const files = ["cert", "client-cert"];
const hostCertificates = "/etc/ssl/certs/ca-certificates.crt";

/** For a command that runs with the folder in its place. */
export const pipVariables = [
  `PIP_CONFIG_FILE=${place}/pip.conf`,
  "PIP_DISABLE_PIP_VERSION_CHECK=1",
];

/**
 * Writes a folder with this machine's own index, proxy and certificates, so that a build works wherever `pip` works.
 * It never becomes part of an image.
 */
export async function writePipSettings(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const settings = new Map<string, string>();
  if (existsSync(hostCertificates)) settings.set("cert", hostCertificates);
  for (const [name, value] of await machineSettings()) settings.set(name, value);
  for (const name of files) {
    const file = settings.get(name);
    if (file === undefined) continue;
    copyFileSync(file, join(folder, name));
    settings.set(name, join(place, name));
  }
  const lines = [...settings].map(([name, value]) => `${name} = ${value.replaceAll("\n", "\n  ")}`);
  writeFileSync(join(folder, "pip.conf"), `${["[global]", ...lines].join("\n")}\n`);
}

/** What pip goes by here, the strongest last: it says so itself. Without pip its defaults do. */
async function machineSettings(): Promise<[string, string][]> {
  try {
    return settingsIn((await run("pip3", ["config", "list"])).lines);
  } catch {
    return [];
  }
}

/** Reads `global.cert='...'` and `:env:.cert='...'`, in which Python has quoted the value. */
export function settingsIn(lines: readonly string[]): [string, string][] {
  const found = lines.flatMap((line): { rank: number; setting: [string, string] }[] => {
    const [, section, name = "", value = ""] =
      /^(global|install|:env:)\.([a-z-]+)=['"](.*)['"]$/.exec(line) ?? [];
    if (section === undefined || !transport.includes(name) || value === "") return [];
    const rank = ["global", "install", ":env:"].indexOf(section);
    return [{ rank, setting: [name, value.replaceAll("\\n", "\n")] }];
  });
  return found.sort((one, other) => one.rank - other.rank).map(({ setting }) => setting);
}
