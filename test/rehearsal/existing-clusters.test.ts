import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { useClusters } from "../../rehearsal/existing-clusters.ts";
import { exitCode } from "../../rehearsal/problem.ts";

const before = { KUBECONFIG: process.env["KUBECONFIG"], PATH: process.env["PATH"] };

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "lifeline-existing-"));
  const [kubeconfig, kubectl] = [join(folder, "kubeconfig"), join(folder, "kubectl")];
  writeFileSync(kubectl, "#!/bin/sh\n");
  chmodSync(kubectl, 0o755);
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "one", cluster: { server: "https://192.0.2.1:6443" } }],
      contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
      users: [{ name: "one", user: { token: "token" } }],
    }),
  );
  process.env["KUBECONFIG"] = kubeconfig;
  process.env["PATH"] = folder;
});

afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

const used = (contexts: readonly [string, string]) =>
  useClusters({ contexts }, new AbortController().signal);

describe("clusters that are there already", () => {
  it("are refused by a context that the kubeconfig lacks, which is named beside those it has", async () => {
    await expect(used(["one", "no-b"])).rejects.toMatchObject({
      code: exitCode.usage,
      message: `--context: context must be one of the kubeconfig's (one), got "no-b"`,
    });
  });

  it("need a kubeconfig", async () => {
    process.env["KUBECONFIG"] = "/nowhere/kubeconfig";
    await expect(used(["one", "two"])).rejects.toMatchObject({
      code: exitCode.usage,
      message: expect.stringContaining("KUBECONFIG: no file /nowhere/kubeconfig. Fix:"),
    });
  });
});
