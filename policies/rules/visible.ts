import type { ResourceValidationPolicy } from "@pulumi/policy";
import { kindOf } from "../lib/kinds.ts";
import { explain } from "../lib/violation.ts";

/** Kinds that carry or change other objects, whose contents the other rules would never see. */
const opaque = /(Patch|List)$/;

export const nothingHidden: ResourceValidationPolicy = {
  name: "nothing-hidden",
  displayName: "Every object can be judged",
  description: "No object is declared as a patch or inside a list, where no rule sees it whole.",
  severity: "high",
  remediationSteps: "Declare each object whole, as its own resource.",
  validateResource: (args, report) => {
    if (!opaque.test(kindOf(args.type) ?? "")) return;
    report(
      explain({
        where: args.name,
        field: "type",
        value: args.type,
        must: "be one whole object",
        fix: "Declare the object itself.",
      }),
    );
  },
};
