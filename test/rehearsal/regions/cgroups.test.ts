import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  cgroupFolders,
  firstProcess,
  hierarchies,
  processesIn,
} from "../../../rehearsal/regions/cgroups.ts";
import { foreignRoutes } from "../../../rehearsal/regions/host.ts";
import { parseHolder } from "../../../rehearsal/regions/holder.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cgroups-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function cgroup(path: string, ...pids: readonly number[]): void {
  mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, path, "cgroup.procs"), pids.map((pid) => `${String(pid)}\n`).join(""));
}

/** A process with its number in each process namespace, the outermost first. */
function processWith(name: string, ...numbers: readonly number[]): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(
    join(folder, name, "status"),
    `Name:\tx\nNSpid:\t${numbers.join("\t")}\nThreads:\t1\n`,
  );
  writeFileSync(join(folder, name, "cmdline"), "program\0argument\0");
}

describe("processes of a region", () => {
  it("are those of its cgroup and all below it, in every hierarchy of version 1", () => {
    cgroup("memory", 1);
    cgroup("memory/lifeline-a");
    cgroup("memory/lifeline-a/daemons", 20, 21);
    cgroup("memory/lifeline-a/kubepods/pod", 30);
    cgroup("cpu,cpuacct", 1);
    cgroup("cpu,cpuacct/lifeline-a/daemons", 20, 22);
    cgroup("memory/lifeline-b", 99);
    symlinkSync("cpu,cpuacct", join(folder, "cpu"));
    expect(hierarchies(folder)).toHaveLength(2);
    expect(processesIn("lifeline-a", folder).sort()).toEqual([20, 21, 22, 30]);
  });

  it("are those of its cgroup in version 2, which has one hierarchy", () => {
    cgroup(".", 1);
    writeFileSync(join(folder, "cgroup.controllers"), "cpu memory\n");
    cgroup("lifeline-a/daemons", 20);
    expect(hierarchies(folder)).toEqual([folder]);
    expect(processesIn("lifeline-a", folder)).toEqual([20]);
  });

  it("are none where there is no cgroup", () => {
    cgroup("memory", 1);
    expect(processesIn("lifeline-a", folder)).toEqual([]);
  });

  it("are found in folders that can be removed in the order given", () => {
    cgroup("memory", 1);
    cgroup("memory/lifeline-a/kubepods/pod");
    const inner = join(folder, "memory/lifeline-a");
    expect(cgroupFolders("lifeline-a", folder)).toEqual([
      join(inner, "kubepods/pod"),
      join(inner, "kubepods"),
      inner,
    ]);
  });
});

describe("the first process of a region", () => {
  it("is number 1 of the region's namespace, not of a container's in it", () => {
    processWith("self", 500);
    processWith("600", 600);
    processWith("601", 601, 1);
    processWith("602", 602, 40);
    processWith("603", 603, 50, 1);
    expect(firstProcess([600, 602, 603, 601], folder)).toBe(601);
  });

  it("is found from inside another process namespace too", () => {
    processWith("self", 500, 7);
    processWith("601", 601, 8, 1);
    expect(firstProcess([601], folder)).toBe(601);
  });

  it("is none while it is being ended: it has no memory any more", () => {
    processWith("self", 500);
    processWith("601", 601, 1);
    writeFileSync(join(folder, "601", "cmdline"), "");
    expect(firstProcess([601], folder)).toBeUndefined();
  });

  it("is none when it has ended, whatever else is left", () => {
    processWith("self", 500);
    processWith("602", 602, 40);
    expect(firstProcess([602, 604], folder)).toBeUndefined();
  });
});

describe("the holder of the network", () => {
  it("is known by its command, which says whose it is", () => {
    const holder = parseHolder(5, ["/run/lifeline/tools/pause", "wan", "/cache/run/regions", ""]);
    expect(holder).toEqual({ pid: 5, folder: "/cache/run/regions" });
  });

  it.each([[["bash", "wan", "/cache"]], [["/pause", "other", "/cache"]], [["/pause"]], [[]]])(
    "is not %p",
    (argv) => {
      expect(parseHolder(5, argv)).toBeUndefined();
    },
  );
});

describe("routes in the regions' network", () => {
  it("are foreign unless they lead over the regions' own link", () => {
    const own = "10.90.0.0/24 dev lifeline0 proto kernel scope link src 10.90.0.254 ";
    expect(foreignRoutes(`${own}\n`)).toEqual([]);
    expect(foreignRoutes(`${own}\n10.90.0.0/25 via 192.0.2.1 dev eth0 \n`)).toEqual([
      "10.90.0.0/25 via 192.0.2.1 dev eth0",
    ]);
  });
});
