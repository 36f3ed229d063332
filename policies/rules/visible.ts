import type { ResourceValidationPolicy } from "@pulumi/policy";
import { kindOf } from "../lib/kinds.ts";
import { at, keysOf } from "../lib/read.ts";
import { explain } from "../lib/violation.ts";

/** Kinds that carry or change other objects, whose contents the other rules would never see. */
const opaque = /(Patch|List)$/;

const helmRelease = "kubernetes:helm.sh/v3:Release";

/**
 * The one chart that may be installed: what Helm renders never passes these rules, so this is a decision, for this chart
 * of this publisher at a version that somebody named. Its pods are the operator's own, in a namespace of their own. Any
 * other value could bring objects of somebody else's, and so could a program that changes what Helm has rendered.
 */
const trusted = {
  chart: "cert-manager",
  repo: "https://charts.jetstack.io",
  values: ["crds", "serviceAccount"],
};

export const nothingHidden: ResourceValidationPolicy = {
  name: "nothing-hidden",
  displayName: "Every object can be judged",
  description:
    "No object is declared as a patch, inside a list or by a chart, where no rule sees it whole. " +
    "The exception is cert-manager's chart.",
  severity: "high",
  remediationSteps: "Declare each object whole, as its own resource.",
  validateResource: (args, report) => {
    const isHidden =
      args.type === helmRelease ? !isTrusted(args.props) : opaque.test(kindOf(args.type) ?? "");
    if (!isHidden) return;
    report(
      explain({
        where: args.name,
        field: "type",
        value: args.type,
        must: `be one whole object, or ${trusted.chart} from ${trusted.repo} at a stated version, with no values but ${trusted.values.join(" and ")}`,
        fix: "Declare the object itself.",
      }),
    );
  },
};

function isTrusted(props: unknown): boolean {
  const version = at(props, "version");
  return (
    at(props, "chart") === trusted.chart &&
    at(props, "repositoryOpts", "repo") === trusted.repo &&
    keysOf(at(props, "values")).every((key) => trusted.values.includes(key)) &&
    at(props, "valueYamlFiles") === undefined &&
    at(props, "postrender") === undefined &&
    typeof version === "string" &&
    /^v?\d+\.\d+\.\d+$/.test(version)
  );
}
