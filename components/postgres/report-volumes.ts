import type { core } from "@pulumi/kubernetes/types/input.js";

import { archiveReports } from "../lib/archive.ts";
import { scopeOf } from "./generation.ts";
import { places } from "./places.ts";

export const settingsMount = { name: "settings", mountPath: places.settings, readOnly: true };

export const settingsVolume = (generation: number): core.v1.Volume => ({
  name: "settings",
  configMap: { name: `${scopeOf(generation)}-settings` },
});

/** Keys that may write reports and nothing else, where S3 is reached with keys. */
export const reportsMount = {
  name: archiveReports.secret,
  mountPath: archiveReports.folder,
  readOnly: true,
};

export const reportsVolume: core.v1.Volume = {
  name: archiveReports.secret,
  secret: { secretName: archiveReports.secret, defaultMode: 0o440 },
};
