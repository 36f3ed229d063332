import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineFolder } from "../../rehearsal/paths.ts";
import { regions } from "../../rehearsal/regions/topology.ts";
import {
  type NamedClusters,
  foldersKept,
  removalOf,
  stackFolder,
} from "../../rehearsal/stack-folders.ts";

const named = (...servers: string[]): NamedClusters => ({
  kubeconfig: "/home/me/.kube/config",
  contexts: ["kind-a", "kind-b"],
  servers,
});
const one = named("https://192.0.2.1:6443", "https://192.0.2.2:6443");

const emptyRoot = () => mkdtempSync(join(tmpdir(), "lifeline-clusters-"));

/** What a run of the program leaves there. */
function afterUpdate(folder: string): string {
  mkdirSync(join(folder, "state"));
  mkdirSync(join(folder, "project"));
  writeFileSync(
    join(folder, "project/Pulumi.local.yaml"),
    "config: { lifeline:namespace: gravl-local }\n",
  );
  return folder;
}

describe("the folder of a stack", () => {
  it("is the regions' own one for the regions of a rehearsal, by whatever context", () => {
    const own = named(...regions.map(({ apiServer }) => apiServer));
    expect(stackFolder(own, emptyRoot())).toBe(engineFolder);
  });

  it("is another one for other clusters, and the same again for the same ones under other names", () => {
    const root = emptyRoot();
    const folder = stackFolder(one, root);
    expect(folder).not.toBe(engineFolder);
    expect(stackFolder({ ...one, contexts: ["x", "y"] }, root)).toBe(folder);
    expect(stackFolder(named("https://192.0.2.1:6443", "https://192.0.2.3:6443"), root)).not.toBe(
      folder,
    );
  });
});

describe("stacks that stop leaves alone", () => {
  it("are none where nothing came of it", () => {
    const root = emptyRoot();
    expect(foldersKept(join(root, "not-there"))).toEqual([]);
    stackFolder(one, root);
    expect(foldersKept(root)).toEqual([]);
  });

  it("are named, with all that removes them", () => {
    const root = emptyRoot();
    const folder = afterUpdate(stackFolder(one, root));
    const [kept] = foldersKept(root);
    expect(kept).toBe(folder);
    expect(removalOf(folder)).toBe(
      [
        "kind-a (https://192.0.2.1:6443) and kind-b (https://192.0.2.2:6443): what a rehearsal made there stays, as npm run stop removes only what it booted. To remove it:",
        "  kubectl --kubeconfig /home/me/.kube/config --context kind-a delete namespace/gravl-local clusterissuer/gravl-local",
        "  kubectl --kubeconfig /home/me/.kube/config --context kind-b delete namespace/gravl-local clusterissuer/gravl-local",
        `  rm -r ${folder}`,
        "and what is in the buckets of its archive.",
      ].join("\n"),
    );
  });
});
