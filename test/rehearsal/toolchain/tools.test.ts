import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { repository } from "../../../rehearsal/paths.ts";
import { acquireCrds, extractCrds } from "../../../rehearsal/toolchain/crds.ts";
import { requirements } from "../../../rehearsal/toolchain/apt.ts";
import { tools, type Tool } from "../../../rehearsal/toolchain/tools.ts";
import { context, removeTemporaryFolders, temporaryFolder } from "./support.ts";

afterAll(removeTemporaryFolders);

const all: readonly Tool[] = tools;
const released = all.filter(({ downloads }) => downloads !== undefined);
const goMod = (name: string): Promise<string> =>
  readFile(join(repository, "tools", name, "go.mod"), "utf8");

describe("the table of tools", () => {
  test.each(all.filter(({ version }) => version !== "own"))(
    "$name has the version of its Go module",
    async (tool) => {
      const text = await goMod(tool.name);
      const modules = [...text.matchAll(/^\s*(?:require )?(\S+) (v\S+)/gm)].filter(
        ([, path = ""]) => path.split("/").some((part) => part === tool.name),
      );
      expect(modules.map(([, , version]) => version)).toContain(tool.version);
    },
  );

  test.each(released)(
    "$name: each program has one release, verified, for both processors",
    ({ version, downloads, binaries }) => {
      for (const cpu of ["amd64", "arm64"] as const) {
        const releases = downloads?.(cpu) ?? [];
        expect(releases.map(({ binary }) => binary).sort()).toEqual(Object.keys(binaries).sort());
        for (const { url, checksums } of releases) {
          expect([new URL(url).protocol, new URL(checksums).protocol]).toEqual([
            "https:",
            "https:",
          ]);
          expect(url).toContain(version);
          expect(checksums).toContain(version.slice(1));
        }
      }
    },
  );

  test("names each program and each package once", () => {
    const names = [
      ...all.flatMap(({ binaries }) => Object.keys(binaries)),
      ...requirements.map((each) => each.package),
    ];
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("CustomResourceDefinitions", () => {
  /** Unpacked modules with empty definitions; `spoil` answers what one file holds instead. */
  const modules = async (spoil: (crd: string) => string | undefined = () => undefined) => {
    const root = await temporaryFolder();
    const folders: Record<string, string> = {
      "sigs.k8s.io/gateway-api": "config/crd/standard",
      "github.com/cert-manager/cert-manager": "deploy/crds",
      "github.com/external-secrets/external-secrets": "config/crds/bases",
      "github.com/prometheus-operator/prometheus-operator": "example/prometheus-operator-crd",
    };
    const kinds = [
      "gateway.networking.k8s.io_gatewayclasses gateway.networking.k8s.io_gateways gateway.networking.k8s.io_grpcroutes",
      "gateway.networking.k8s.io_httproutes gateway.networking.k8s.io_referencegrants cert-manager.io_certificaterequests",
      "cert-manager.io_certificates cert-manager.io_clusterissuers cert-manager.io_issuers external-secrets.io_externalsecrets",
      "external-secrets.io_secretstores monitoring.coreos.com_podmonitors monitoring.coreos.com_prometheusrules",
      "monitoring.coreos.com_servicemonitors",
    ].flatMap((line) => line.split(" "));
    for (const [module, folder] of Object.entries(folders)) {
      for (const crd of kinds) {
        const [group, plural] = crd.split("_");
        const file = join(root, module, folder, `${crd}.yaml`);
        await mkdir(dirname(file), { recursive: true });
        const text = `kind: CustomResourceDefinition\nmetadata:\n  name: ${plural ?? ""}.${group ?? ""}\n`;
        await writeFile(file, spoil(crd) ?? text);
      }
    }
    return {
      kinds,
      folders: new Map(Object.keys(folders).map((module) => [module, join(root, module)])),
    };
  };

  test("in use are taken, and nothing else", async () => {
    const { kinds, folders } = await modules();
    const to = join(await temporaryFolder(), "manifests");
    await extractCrds(folders, to);
    expect((await readdir(to)).sort()).toEqual(kinds.map((crd) => `${crd}.yaml`).sort());
  });

  const certificates =
    "kind: CustomResourceDefinition\nmetadata:\n  name: certificates.cert-manager.io\n";
  test.each([
    [
      "a Helm template",
      `${certificates}  labels:
    {{- include "labels" . | nindent 4 }}
`,
    ],
    ["another kind", "kind: ConfigMap\nmetadata:\n  name: certificates.cert-manager.io\n"],
    [
      "another resource",
      "kind: CustomResourceDefinition\nmetadata:\n  name: others.cert-manager.io\n",
    ],
  ])("that are %s are refused", async (_name, text) => {
    const { folders } = await modules((crd) =>
      crd === "cert-manager.io_certificates" ? text : undefined,
    );
    await expect(extractCrds(folders, join(await temporaryFolder(), "manifests"))).rejects.toThrow(
      /cert-manager\.io_certificates\.yaml is not/,
    );
  });

  test("of the Gateway API are those of the version that Traefik is built with", async () => {
    const built = /gateway-api (v\S+)/.exec(await goMod("traefik"))?.[1];
    expect(await goMod("crds")).toContain(
      `sigs.k8s.io/gateway-api => sigs.k8s.io/gateway-api ${built ?? "?"}`,
    );
  });

  test("are vouched for by go.sum, each module's whole content", async () => {
    const sums = await readFile(join(repository, "tools", "crds", "go.sum"), "utf8");
    const text = await goMod("crds");
    const modules = [...text.matchAll(/^\t(\S+) (v\S+)$/gm)].map(
      ([, module = "", version = ""]) => ({
        module,
        version: new RegExp(`=> ${module} (v\\S+)`).exec(text)?.[1] ?? version,
      }),
    );
    expect(modules).toHaveLength(4);
    for (const { module, version } of modules) expect(sums).toContain(`${module} ${version} h1:`);
  });

  test("that cannot be fetched leave nothing and say where to look", async () => {
    const before = { ...process.env };
    process.env["GOPROXY"] = "off";
    process.env["GOMODCACHE"] = await temporaryFolder();
    const environment = await context();
    await expect(acquireCrds(environment)).rejects.toThrow(
      /cannot be fetched:\n[^]*\nFix: check GOPROXY/,
    );
    process.env = before;
    expect(await readdir(join(environment.toolsFolder, "crds"))).toEqual([]);
    await expect(access(join(environment.toolsFolder, "crds", "manifests"))).rejects.toThrow(
      "ENOENT",
    );
  });
});
