import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { regionsArchive } from "../../../rehearsal/archive.ts";
import { kubeconfigFile } from "../../../rehearsal/paths.ts";
import { regions } from "../../../rehearsal/regions/topology.ts";

/** Two clusters with what a command has to be told about them. */
export interface SomebodyElses {
  readonly kubeconfig: string;
  /** Describes their S3. */
  readonly archive: string;
  readonly contexts: readonly string[];
}

/** The rehearsal's regions as they would look if they were not its own: other contexts, S3 known from a file alone. */
export function asSomebodyElses(): SomebodyElses {
  const folder = mkdtempSync(join(tmpdir(), "lifeline-clusters-"));
  const [kubeconfig = "", archive = ""] = ["kubeconfig", "archive.json"].map((name) =>
    join(folder, name),
  );
  const nameOf = (context: string) => `not-${context}`;
  const named = regions.reduce(
    (text, { kubeContext }) =>
      text.replaceAll(`"${kubeContext}"`, JSON.stringify(nameOf(kubeContext))),
    readFileSync(kubeconfigFile, "utf8"),
  );
  writeFileSync(kubeconfig, named, { mode: 0o600 });
  const { settings, accounts } = regionsArchive();
  const described = {
    bucketPrefix: "lifeline-local",
    authority: settings["backups.storageCa"],
    regions: Object.fromEntries(
      regions.map(({ awsRegion, s3 }) => [
        awsRegion,
        { endpoint: `${s3.host}:${String(s3.port)}`, accounts: accounts[awsRegion] },
      ]),
    ),
  };
  writeFileSync(archive, JSON.stringify(described), { mode: 0o600 });
  return { kubeconfig, archive, contexts: regions.map(({ kubeContext }) => nameOf(kubeContext)) };
}
