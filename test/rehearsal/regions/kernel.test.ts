import { exitCode } from "../../../rehearsal/problem.ts";
import { loadMissing, neededModules } from "../../../rehearsal/regions/kernel.ts";

/** A machine on which the named modules can be loaded, as all others are already. */
function machine(missing: readonly string[], loadable: readonly string[]) {
  const absent = new Set(missing);
  const asked: string[] = [];
  const modules = neededModules.map(({ name, lack }) => ({
    name,
    lack,
    isThere: () => !absent.has(name),
  }));
  const load = (name: string) => {
    asked.push(name);
    if (loadable.includes(name)) absent.delete(name);
    return Promise.resolve(loadable.includes(name) ? "" : "not found in /lib/modules");
  };
  return { modules, load, asked };
}

describe("modules of the kernel", () => {
  it("are overlay, br_netfilter and loop, and the loaded ones are left alone", async () => {
    expect(neededModules.map(({ name }) => name)).toEqual(["overlay", "br_netfilter", "loop"]);
    const { modules, load, asked } = machine([], []);
    await loadMissing(modules, load);
    expect(asked).toEqual([]);
  });

  it("are loaded where they are missing", async () => {
    const { modules, load, asked } = machine(["br_netfilter", "loop"], ["br_netfilter", "loop"]);
    await loadMissing(modules, load);
    expect(asked).toEqual(["br_netfilter", "loop"]);
  });

  it("are asked of the user only when they cannot be loaded, with the reason", async () => {
    const { modules, load } = machine(["br_netfilter"], []);
    await expect(loadMissing(modules, load)).rejects.toMatchObject({
      code: exitCode.cannotRun,
      message:
        "the kernel does not filter bridges, and modprobe br_netfilter fails: not found in /lib/modules. Fix: load br_netfilter on the machine itself, or use a kernel that has it.",
    });
  });
});
