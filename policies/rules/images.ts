import type { ResourceValidationPolicy } from "@pulumi/policy";
import { visitContainers } from "../lib/pods.ts";
import { at } from "../lib/read.ts";
import { explain } from "../lib/violation.ts";

const pinned = /^[a-z0-9][^\s@]*@sha256:[0-9a-f]{64}$/;

export const imagesByDigest: ResourceValidationPolicy = {
  name: "images-by-digest",
  displayName: "Images are pinned by digest",
  description: "Every container runs exactly the image that was released: pinned by digest.",
  severity: "critical",
  remediationSteps: "Put <repository>@sha256:<64 hex digits> into the release or stack file.",
  validateResource: (args, report) => {
    visitContainers(args, ({ spec, where }) => {
      const image = at(spec, "image");
      if (typeof image === "string" && pinned.test(image)) return;
      report(
        explain({
          where,
          field: "image",
          value: image,
          must: "be pinned by digest",
          fix: "Write <repository>@sha256:<64 hex digits> in the release or stack file.",
        }),
      );
    });
  },
};
