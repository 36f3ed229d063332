import { createHash } from "node:crypto";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubeconfigFile } from "../paths.ts";
import { foldersOf, manifestsFolder } from "./folders.ts";
import { must, run } from "./inside.ts";
import { type Topology, domain, hosts } from "./topology.ts";

/** What is installed into a cluster before the program sees it. */
export interface Equipment {
  /** kubectl of the toolchain. */
  readonly kubectl: string;
  /** Folder with CustomResourceDefinitions, one or more per YAML file. */
  readonly crdsFolder: string;
  readonly corednsImage: string;
  readonly traefikImage: string;
}

const applyTimeoutSeconds = 90;

/** Arguments of kubectl for a region, with the administrator's rights. */
export const kubectl = (tool: string, region: Topology, ...args: readonly string[]): string[] => [
  tool,
  `--kubeconfig=${kubeconfigFile}`,
  `--context=${region.kubeContext}`,
  ...args,
];

/**
 * Installs the equipment. A cluster remembers what it has been given: the same again costs one read.
 */
export async function applyEquipment(region: Topology, equipment: Equipment): Promise<void> {
  const base = fill(manifest("base.yaml"), {
    dnsIp: region.dnsIp,
    corednsImage: equipment.corednsImage,
    domain,
    hosts: hosts.map(({ ip, name }) => `${ip} ${name}`).join("\n    "),
  });
  const gateway = fill(manifest("gateway.yaml"), {
    gatewayIp: region.ip,
    traefikImage: equipment.traefikImage,
  });
  const definitions = globSync("**/*.yaml", { cwd: equipment.crdsFolder }).sort();
  const crds = definitions.map((name) =>
    readFileSync(join(equipment.crdsFolder, name), "utf8").trim(),
  );

  const wanted = fingerprint([base, gateway, ...crds]);
  if ((await applied(region, equipment.kubectl)) === wanted) return;
  // Name resolution first: it is needed before anything else runs. Then the kinds that the gateway's objects are of.
  await apply(region, equipment.kubectl, "base", base);
  await apply(
    region,
    equipment.kubectl,
    "crds",
    crds.map((text) => `---\n${text.replace(/^---\n/, "")}\n`).join(""),
  );
  await must(
    kubectl(
      equipment.kubectl,
      region,
      "wait",
      "--for=condition=Established",
      "crd",
      "--all",
      "--timeout=30s",
    ),
  );
  await apply(region, equipment.kubectl, "gateway", gateway);
  await apply(region, equipment.kubectl, "record", record(wanted));
}

const recordName = "lifeline-equipment";

const record = (hash: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: recordName, namespace: "kube-system" },
    data: { hash },
  });

/** Hash of the equipment that the cluster has; undefined when it has none. */
async function applied(region: Topology, tool: string): Promise<string | undefined> {
  const get = [
    "get",
    "configmap",
    recordName,
    "--namespace=kube-system",
    "--output=jsonpath={.data.hash}",
  ];
  const { code, stdout } = await run(kubectl(tool, region, ...get));
  return code === 0 ? stdout : undefined;
}

async function apply(region: Topology, tool: string, name: string, text: string): Promise<void> {
  const file = join(foldersOf(region).etc, `${name}.yaml`);
  writeFileSync(file, text);
  // Server-side: some definitions are larger than the annotation that the other way keeps.
  const flags = [
    "apply",
    "--server-side",
    "--force-conflicts",
    "--field-manager=lifeline-equipment",
  ];
  await must(kubectl(tool, region, ...flags, "--filename", file), {
    timeoutSeconds: applyTimeoutSeconds,
  });
}

const manifest = (name: string): string => readFileSync(join(manifestsFolder, name), "utf8");

/** Puts values in the places that a manifest marks {{name}}. @throws when a place has no value. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_place, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`manifest: no value for {{${name}}}`);
    return value;
  });
}

const fingerprint = (texts: readonly string[]): string => {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text).update("\0");
  return hash.digest("hex");
};
