import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { run } from "../command.ts";
import { Problem } from "../problem.ts";

/** Debian release of the base image. */
export const suite = "bookworm";

const suites = [suite, `${suite}-updates`, `${suite}-security`];
const debianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg";
const hostCertificates = "/etc/ssl/certs/ca-certificates.crt";
const official = [
  `deb http://deb.debian.org/debian ${suite} main`,
  `deb http://deb.debian.org/debian ${suite}-updates main`,
  `deb http://deb.debian.org/debian-security ${suite}-security main`,
];

/**
 * Writes a folder to be used as `/etc/apt` while an image is built: this machine's own Debian mirror, proxy, keys and
 * certificates, so that a build works wherever `apt-get` works. It never becomes part of an image.
 * @throws Problem when the keys that prove Debian packages are missing
 */
export async function writeAptSettings(folder: string): Promise<void> {
  if (!existsSync(debianKeys))
    throw new Problem(
      `${debianKeys} is missing, so Debian packages cannot be verified: apt-get install debian-archive-keyring`,
    );
  // Packages leave settings here while they are installed.
  for (const name of [
    "apt.conf.d",
    "preferences.d",
    "sources.list.d",
    "trusted.gpg.d",
    "auth.conf.d",
  ])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "sources.list"), `${(await debianSources()).join("\n")}\n`);
  writeFileSync(join(folder, "apt.conf"), await transport(folder));
  copyKeys(join(folder, "trusted.gpg.d"));
  for (const name of ["auth.conf", "auth.conf.d"])
    if (existsSync(join("/etc/apt", name)))
      cpSync(join("/etc/apt", name), join(folder, name), { recursive: true });
}

async function debianSources(): Promise<string[]> {
  const { code, lines: said } = await run("apt-get", [
    "indextargets",
    "--format",
    "$(REPO_URI) $(RELEASE) $(COMPONENT)",
    "Created-By: Packages",
  ]);
  const lines = code === 0 ? said : [];
  const sources = lines
    .map((line) => line.split(" "))
    .filter(([, release = "", component]) => suites.includes(release) && component === "main")
    .map((fields) => `deb ${fields.join(" ")}`);
  // A machine of another release (or Ubuntu) has no such source: then the official mirror.
  return sources.some((line) => line.includes(` ${suite} `)) ? [...new Set(sources)] : official;
}

/** The settings about reaching a mirror; hooks and the like would call programs an image does not have. */
async function transport(folder: string): Promise<string> {
  const { lines } = await run("apt-config", ["dump"]);
  const settings = lines.filter((line) =>
    /^Acquire::(http|https|ftp|Retries|Check|Max-ValidTime|Force|Allow)/i.test(line),
  );
  if (
    existsSync(hostCertificates) &&
    !settings.some((line) => /^Acquire::https::CaInfo /i.test(line))
  ) {
    copyFileSync(hostCertificates, join(folder, "host-certificates.crt"));
    settings.push('Acquire::https::CaInfo "/etc/apt/host-certificates.crt";');
  }
  return `${settings.join("\n")}\nAcquire::Languages "none";\n`;
}

function copyKeys(target: string): void {
  copyFileSync(debianKeys, join(target, basename(debianKeys)));
  // A company mirror may sign with its own key.
  for (const folder of ["/etc/apt/trusted.gpg.d", "/etc/apt/keyrings"])
    for (const name of existsSync(folder) ? readdirSync(folder) : [])
      if (/\.(gpg|asc)$/.test(name)) copyFileSync(join(folder, name), join(target, name));
}
