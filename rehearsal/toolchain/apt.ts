import { access } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { exitCode, Problem } from "../problem.ts";
import type { Reporter } from "../progress.ts";
import { findProgram } from "./machine.ts";
import { run, type RunResult } from "../command.ts";

/** A Debian package and what a rehearsal uses of it: programs, or files by absolute path. */
export interface Requirement {
  readonly package: string;
  readonly provides: readonly string[];
}

/** Everything that a rehearsal takes from the distribution. */
export const requirements: readonly Requirement[] = [
  { package: "containerd", provides: ["containerd", "containerd-shim-runc-v2", "ctr"] },
  { package: "runc", provides: ["runc"] },
  {
    package: "containernetworking-plugins",
    provides: ["bridge", "host-local", "loopback", "portmap"].map(
      (plugin) => `/usr/lib/cni/${plugin}`,
    ),
  },
  { package: "iptables", provides: ["iptables", "iptables-restore", "iptables-save"] },
  { package: "nftables", provides: ["nft"] },
  { package: "iproute2", provides: ["ip", "tc"] },
  { package: "conntrack", provides: ["conntrack"] },
  { package: "util-linux", provides: ["nsenter", "unshare"] },
  { package: "procps", provides: ["sysctl"] },
  { package: "mmdebstrap", provides: ["mmdebstrap"] },
  { package: "zstd", provides: ["zstd"] },
  {
    package: "debian-archive-keyring",
    provides: ["/usr/share/keyrings/debian-archive-keyring.gpg"],
  },
];

export interface Machine {
  /** Where programs are looked for, like PATH. */
  readonly searchPath: string;
  readonly isRoot: boolean;
  /** True when systemd runs the machine, and would start what a package brings. */
  readonly hasSystemd: boolean;
}

/** Longest wait for another apt, seconds. */
const aptLockSeconds = 300;

/**
 * Installs the packages whose programs are missing. Looks at programs, not packages: a machine with Docker has
 * containerd from elsewhere, and keeps it. Starts no service and removes nothing.
 * @returns the packages it installed.
 * @throws Problem naming the packages when it may not or cannot.
 */
export async function installPackages(
  wanted: readonly Requirement[],
  machine: Machine,
  reporter: Reporter,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const missing = await missingPackages(wanted, machine.searchPath);
  if (missing.length === 0) return [];
  const names = missing.join(" ");
  if ((await findProgram("apt-get", machine.searchPath)) === undefined) {
    throw new Problem(
      `This machine lacks ${names} and has no apt-get. Fix: install them with its own package manager, or use Debian or Ubuntu.`,
      exitCode.cannotRun,
    );
  }
  if (!machine.isRoot) {
    throw new Problem(
      `Installing ${names} needs root. Fix: run as root, or first: sudo apt-get install ${names}`,
      exitCode.cannotRun,
    );
  }
  signal?.throwIfAborted(); // From here on not: a dpkg that is stopped half way leaves the machine broken.
  await install(missing, machine, reporter);
  const still = await missingPackages(wanted, machine.searchPath);
  if (still.length > 0) {
    throw new Problem(
      `apt-get installed ${still.join(" ")}, but the expected programs are not there. Fix: install what provides ${providedBy(wanted, still)}.`,
    );
  }
  return missing;
}

async function install(
  packages: readonly string[],
  { searchPath, hasSystemd }: Machine,
  reporter: Reporter,
): Promise<void> {
  const execute = (command: string, ...args: string[]): Promise<RunResult> =>
    run(command, args, {
      environment: {
        PATH: searchPath,
        DEBIAN_FRONTEND: "noninteractive",
        // Makes systemctl leave the running system alone: containerd must not start beside the regions' own.
        SYSTEMD_OFFLINE: "1",
      },
      onLine: (line) => {
        if (/^(Get:|Unpacking|Setting up)/.test(line)) reporter.status(line);
      },
    });
  const installAll = () =>
    execute(
      "apt-get",
      ...["install", "--yes", "--no-install-recommends", "--no-remove"],
      ...["-o", `DPkg::Lock::Timeout=${String(aptLockSeconds)}`, ...packages],
    );

  reporter.status(`installing ${packages.join(" ")}`);
  let result = await installAll();
  if (result.code !== 0) {
    reporter.status("refreshing the package lists");
    // An installation that was killed half way blocks every later one until it is completed.
    await execute("dpkg", "--configure", "-a");
    await execute("apt-get", "update");
    result = await installAll();
  }
  if (result.code !== 0) {
    const reasons = result.lines.filter((line) => line.startsWith("E:"));
    throw new Problem(
      [
        `apt-get cannot install ${packages.join(" ")}:`,
        ...(reasons.length > 0 ? reasons : result.lines.slice(-5)),
        "Fix: make apt-get able to install them, then run the command again.",
      ].join("\n"),
    );
  }
  // Nor at the next boot.
  if (hasSystemd && packages.includes("containerd")) {
    await run("systemctl", ["disable", "--now", "containerd.service"], {
      environment: { PATH: searchPath },
    });
  }
}

async function missingPackages(
  wanted: readonly Requirement[],
  searchPath: string,
): Promise<string[]> {
  const checked = await Promise.all(
    wanted.map(async (requirement) => {
      const there = await Promise.all(
        requirement.provides.map((provided) => isThere(provided, searchPath)),
      );
      return there.every(Boolean) ? [] : [requirement.package];
    }),
  );
  return checked.flat();
}

async function isThere(provided: string, searchPath: string): Promise<boolean> {
  if (!isAbsolute(provided)) return (await findProgram(provided, searchPath)) !== undefined;
  return access(provided).then(
    () => true,
    () => false,
  );
}

const providedBy = (wanted: readonly Requirement[], packages: readonly string[]): string =>
  wanted
    .filter((requirement) => packages.includes(requirement.package))
    .flatMap(({ provides }) => provides)
    .join(", ");
