import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { Problem } from "../problem.ts";
import { repository } from "../paths.ts";
import type { AcquireContext, Acquired } from "./acquire.ts";
import { cachedFolder } from "./cached-folder.ts";
import { requireGo } from "./go-build.ts";
import { run } from "../command.ts";

/** Names the Go modules by version and hash; only their manifests are used, nothing is built. */
const moduleFolder = join(repository, "tools", "crds");

/** The kinds that the program declares, and grpcroutes, without which Traefik's Gateway provider does not start. */
const sources: readonly {
  readonly module: string;
  readonly folder: string;
  readonly crds: readonly string[];
}[] = [
  {
    module: "sigs.k8s.io/gateway-api",
    folder: "config/crd/standard",
    crds: [
      "gateway.networking.k8s.io_gatewayclasses",
      "gateway.networking.k8s.io_gateways",
      "gateway.networking.k8s.io_grpcroutes",
      "gateway.networking.k8s.io_httproutes",
      "gateway.networking.k8s.io_referencegrants",
    ],
  },
  {
    module: "github.com/cert-manager/cert-manager",
    folder: "deploy/crds",
    crds: [
      "cert-manager.io_certificaterequests",
      "cert-manager.io_certificates",
      "cert-manager.io_clusterissuers",
      "cert-manager.io_issuers",
    ],
  },
  {
    module: "github.com/external-secrets/external-secrets",
    folder: "config/crds/bases",
    crds: ["external-secrets.io_externalsecrets", "external-secrets.io_secretstores"],
  },
  {
    module: "github.com/prometheus-operator/prometheus-operator",
    folder: "example/prometheus-operator-crd",
    crds: [
      "monitoring.coreos.com_podmonitors",
      "monitoring.coreos.com_prometheusrules",
      "monitoring.coreos.com_servicemonitors",
    ],
  },
];

interface Module {
  readonly Path: string;
  readonly Version: string;
  readonly Dir?: string;
  readonly Error?: string;
}

export interface Crds {
  /** Folder with one YAML file per CustomResourceDefinition and nothing else. */
  readonly folder: string;
  readonly acquired: Acquired;
}

/**
 * Takes the CustomResourceDefinitions out of their projects' Go modules: unlike their release pages, the module
 * registry is reachable wherever the tools can be built, and go.sum vouches for every byte.
 */
export async function acquireCrds({
  toolsFolder,
  reporter,
  signal,
}: Omit<AcquireContext, "searchPath">): Promise<Crds> {
  const started = performance.now();
  const { folder, ...origin } = await cachedFolder({
    folder: join(toolsFolder, "crds", await fingerprint()),
    reporter,
    signal,
    fill: async (partial) => {
      await requireGo(moduleFolder, "fetching the CustomResourceDefinitions", signal);
      reporter.status("fetching Go modules");
      await extractCrds(await fetchModules(partial, signal), join(partial, "manifests"));
      return { how: "downloaded" };
    },
  });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return {
    folder: join(folder, "manifests"),
    acquired: { tool: "crds", version: await versions(), ...origin, seconds, binaries: {} },
  };
}

async function fetchModules(partial: string, signal?: AbortSignal): Promise<Map<string, string>> {
  // On a copy, since go may write to go.sum.
  const copy = join(partial, "module");
  await mkdir(copy);
  for (const name of ["go.mod", "go.sum"])
    await copyFile(join(moduleFolder, name), join(copy, name));
  const { code, stdout, lines } = await run("go", ["mod", "download", "-json"], {
    cwd: copy,
    environment: { GOWORK: "off" },
    signal,
  });
  await rm(copy, { recursive: true });
  const modules = stdout
    .split(/(?<=^\}$)/m)
    .filter((text) => text.trim() !== "")
    .map((text) => JSON.parse(text) as Module);
  const errors = modules.flatMap((module) => module.Error ?? []);
  if (code !== 0) {
    const reason = errors.length > 0 ? errors.join("\n") : lines.slice(-5).join("\n");
    throw new Problem(
      `The Go modules with the CustomResourceDefinitions cannot be fetched:\n${reason}\nFix: check GOPROXY and the network, then run the command again.`,
    );
  }
  return new Map(modules.map(({ Path, Dir }) => [Path, Dir ?? ""]));
}

/**
 * Copies the CustomResourceDefinitions in use from unpacked modules (folder by module path) to a new folder.
 * @throws Problem when a file is not the definition it is named for.
 */
export async function extractCrds(modules: ReadonlyMap<string, string>, to: string): Promise<void> {
  await mkdir(to);
  for (const { module, folder, crds } of sources) {
    for (const crd of crds) {
      const text = await readFile(join(modules.get(module) ?? "", folder, `${crd}.yaml`), "utf8");
      assertCrd(crd, text);
      await writeFile(join(to, `${crd}.yaml`), text);
    }
  }
}

/** A Helm template does not parse, and a renamed file does not match: better refused here than by a cluster. */
function assertCrd(crd: string, text: string): void {
  const [group, plural] = crd.split("_");
  const name = `${plural ?? ""}.${group ?? ""}`;
  const document = parseDocument(text);
  const kind = document.get("kind");
  if (
    document.errors.length > 0 ||
    kind !== "CustomResourceDefinition" ||
    document.getIn(["metadata", "name"]) !== name
  ) {
    throw new Problem(
      `${crd}.yaml is not the CustomResourceDefinition ${name}. Fix: correct the module versions in tools/crds/go.mod.`,
    );
  }
}

async function fingerprint(): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(sources));
  for (const name of ["go.mod", "go.sum"]) hash.update(await readFile(join(moduleFolder, name)));
  return hash.digest("hex").slice(0, 12);
}

/** The versions in use: a `replace` comes after what it replaces. */
async function versions(): Promise<string> {
  const text = await readFile(join(moduleFolder, "go.mod"), "utf8");
  return sources
    .map(({ module }) => {
      const [, version = ""] =
        [...text.matchAll(new RegExp(`\\s${module} (v\\S+)`, "g"))].at(-1) ?? [];
      return `${module.split("/").at(-1) ?? module} ${version}`;
    })
    .join(", ");
}
