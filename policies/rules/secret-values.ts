import { Secret } from "@pulumi/policy";
import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { isKubernetesObject } from "../lib/kinds.ts";
import { isKnown } from "../lib/known.ts";
import { at, keysOf } from "../lib/read.ts";
import { secretInputsOf } from "../lib/secret-inputs.ts";
import { explain } from "../lib/violation.ts";

/**
 * Keeps secret values where secrets belong: marked as secret in inputs made for them, and absent
 * from every other Kubernetes object, which a cluster stores and shows as plain text.
 *
 * Only a remediation is told which inputs are secret, and the engine runs it just before the
 * validation of the same resource. So the remediation looks and changes nothing, and the
 * validation reports what it saw; one that nothing looked at is refused. Violations at this level
 * block like mandatory ones.
 */
export function secretValuesRule(): ResourceValidationPolicy {
  const seen = new Map<string, readonly string[]>();
  return {
    name: "secret-values-stay-secret",
    displayName: "Secret values stay secret",
    description: "Secret values are marked as such, and no object but a Secret receives them.",
    severity: "critical",
    remediationSteps: "Mark the value with pulumi.secret and pass it on in a mounted Secret only.",
    enforcementLevel: "remediate",
    remediateResource: (args) => {
      seen.set(args.urn, violationsOf(args));
    },
    validateResource: (args, report) => {
      const violations = seen.get(args.urn) ?? [
        explain({
          where: `${args.type} ${args.name}`,
          field: "inputs",
          must: "be shown to this rule before they are judged",
          fix: "Run this rule at its own enforcement level, remediate.",
        }),
      ];
      seen.delete(args.urn);
      for (const violation of violations) report(violation);
    },
  };
}

function violationsOf(args: ResourceValidationArgs): string[] {
  const where = `${args.type} ${args.name}`;
  const inputs = unwrapped(args.props);
  const ownInputs = secretInputsOf(args.type);
  if (ownInputs !== undefined) {
    return ownInputs
      .filter((field) => holdsPlainText(inputs[field], () => at(args.props, field)))
      .map((field) =>
        explain({
          where,
          field,
          must: "be marked as secret: the state would hold it in plain text",
          fix: "Wrap it in pulumi.secret.",
        }),
      );
  }
  if (!isKubernetesObject(args.type)) return [];
  return secretPaths(inputs).map((path) =>
    explain({
      where,
      field: path.join("."),
      must: "not receive a secret value: the cluster would show it to every reader",
      fix: "Put the value into a Secret and mount that.",
    }),
  );
}

/** The inputs as they arrived: reading a field of `props` in the usual way takes its mark off. */
function unwrapped(props: object): Record<string, unknown> {
  const fields = Object.entries(Object.getOwnPropertyDescriptors(props));
  return Object.fromEntries(fields.map(([key, { value }]) => [key, value as unknown]));
}

/** Absent holds no text; unknown is judged by the run that knows it. */
function holdsPlainText(value: unknown, read: () => unknown): boolean {
  if (value instanceof Secret) return false;
  if (typeof value === "object") {
    return keysOf(value).some((key) => holdsPlainText(at(value, key), () => at(read(), key)));
  }
  return value !== undefined && isKnown(read);
}

function secretPaths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (value instanceof Secret) return [path];
  return keysOf(value).flatMap((key) => secretPaths(at(value, key), [...path, key]));
}
