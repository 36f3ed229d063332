import type { ResourceValidationPolicy } from "@pulumi/policy";
import { kindOf } from "../lib/kinds.ts";
import { visitContainers } from "../lib/pods.ts";
import { at, isWholeNumber } from "../lib/read.ts";
import { explain } from "../lib/violation.ts";

export const resourcesBounded: ResourceValidationPolicy = {
  name: "resources-bounded",
  displayName: "Containers state what they use",
  description: "Every container requests CPU and memory and has a limit on both.",
  severity: "high",
  remediationSteps: "State requests and limits in the stack file.",
  validateResource: (args, report) => {
    visitContainers(args, ({ list, spec, where }) => {
      // Kubernetes refuses resources on an ephemeral container: it shares those of its pod.
      if (list === "ephemeralContainers") return;
      for (const bound of ["requests", "limits"]) {
        for (const resource of ["cpu", "memory"]) {
          const value = at(spec, "resources", bound, resource);
          if (isQuantity(value)) continue;
          report(
            explain({
              where,
              field: `resources.${bound}.${resource}`,
              value,
              must: 'be a quantity above zero, such as "250m" or "256Mi"',
              fix: "State it in the stack file.",
            }),
          );
        }
      }
    });
  },
};

function isQuantity(value: unknown): boolean {
  if (typeof value === "number") return value > 0;
  return typeof value === "string" && /^\d+(\.\d+)?([numkMGTPE]|[KMGTPE]i)?$/.test(value)
    ? Number.parseFloat(value) > 0
    : false;
}

interface Bound {
  readonly field: string;
  readonly allows: (value: unknown) => boolean;
  readonly must: string;
}

const jobBounds: readonly Bound[] = [
  {
    field: "activeDeadlineSeconds",
    allows: (value) => isWholeNumber(value, 1),
    must: "be a whole number of seconds, at least 1",
  },
  {
    field: "backoffLimit",
    allows: (value) => isWholeNumber(value, 0),
    must: "be a whole number of retries",
  },
];

const cronJobBounds: readonly Bound[] = [
  {
    field: "concurrencyPolicy",
    allows: (value) => value === "Forbid",
    must: 'be "Forbid"',
  },
  {
    field: "startingDeadlineSeconds",
    // Below ten seconds the controller, which looks every ten, may never start the job.
    allows: (value) => isWholeNumber(value, 10),
    must: "be a whole number of seconds, at least 10",
  },
  {
    field: "timeZone",
    allows: (value) => typeof value === "string" && value !== "",
    must: 'name a time zone, such as "Etc/UTC"',
  },
  {
    field: "successfulJobsHistoryLimit",
    allows: (value) => isWholeNumber(value, 0),
    must: "be a whole number",
  },
  {
    field: "failedJobsHistoryLimit",
    allows: (value) => isWholeNumber(value, 1),
    must: "be a whole number, at least 1: the last failure is evidence",
  },
];

export const jobsEnd: ResourceValidationPolicy = {
  name: "jobs-end",
  displayName: "Jobs end",
  description: "Every Job has a deadline and a number of retries; a CronJob never overlaps itself.",
  severity: "high",
  remediationSteps: "State every bound; the defaults of Kubernetes are no deadline and overlap.",
  validateResource: (args, report) => {
    const check = (bounds: readonly Bound[], path: readonly string[]) => {
      const spec = at(args.props, ...path);
      for (const { field, allows, must } of bounds) {
        const value = at(spec, field);
        if (allows(value)) continue;
        report(
          explain({
            where: `${kindOf(args.type)} ${args.name}`,
            field: [...path, field].join("."),
            value,
            must,
            fix: "State it in the component that declares the job.",
          }),
        );
      }
    };
    if (kindOf(args.type) === "Job") check(jobBounds, ["spec"]);
    if (kindOf(args.type) !== "CronJob") return;
    check(cronJobBounds, ["spec"]);
    check(jobBounds, ["spec", "jobTemplate", "spec"]);
  },
};
