import type { Policies } from "@pulumi/policy";
import { narrowRoles, noApiTokens, noClusterRights } from "./rules/api-access.ts";
import { jobsEnd, resourcesBounded } from "./rules/bounded.ts";
import { bucketsBlockPublic, bucketsPrivate } from "./rules/buckets.ts";
import { noCredentialLiterals, noStaticAwsKeys, secretsAsFiles } from "./rules/credentials.ts";
import { imagesByDigest } from "./rules/images.ts";
import { networkEdgesNamed, oneEntrance } from "./rules/network.ts";
import { restrictedContainers } from "./rules/restricted-containers.ts";
import { restrictedNamespaces, restrictedPods } from "./rules/restricted-pods.ts";
import { secretValuesRule } from "./rules/secret-values.ts";
import { dataRetained, stateProtected } from "./rules/state.ts";
import { nothingHidden } from "./rules/visible.ts";

/** Every rule of the pack. Kept apart from the pack itself, which starts a server when made. */
export const rules: Policies = [
  imagesByDigest,
  restrictedContainers,
  restrictedPods,
  restrictedNamespaces,
  noApiTokens,
  noClusterRights,
  narrowRoles,
  resourcesBounded,
  jobsEnd,
  stateProtected,
  dataRetained,
  secretValuesRule(),
  secretsAsFiles,
  noCredentialLiterals,
  noStaticAwsKeys,
  networkEdgesNamed,
  oneEntrance,
  bucketsPrivate,
  bucketsBlockPublic,
  nothingHidden,
];
