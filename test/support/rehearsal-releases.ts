import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { imageNames, releaseImageNames } from "../../rehearsal/images/build-images.ts";
import { writeLocalStack } from "../../rehearsal/local-stack.ts";

/** A folder with every release that the rehearsal has, as if all images had been built. */
export function rehearsalReleases(): string {
  const names = [...imageNames, ...releaseImageNames];
  const images = names.map((name, index) => [
    name,
    `localhost/lifeline/${name}@sha256:${String(index).padStart(64, "0")}`,
  ]);
  return writeLocalStack({
    folder: mkdtempSync(join(tmpdir(), "lifeline-releases-")),
    kubeconfig: "kubeconfig",
    contexts: ["a", "b"],
    images: Object.fromEntries(images) as Record<string, string>,
  }).releasesFolder;
}
