import { jobsEnd, resourcesBounded } from "../../../policies/rules/bounded.ts";
import { violations } from "../support/judge.ts";
import { change, withPodChange, workload, workloadKinds } from "../support/resources.ts";

describe("bounded resources", () => {
  test.each(workloadKinds)("allow a compliant %s", (kind) => {
    expect(violations(resourcesBounded, workload(kind))).toEqual([]);
  });

  describe.each(workloadKinds)("refuse a %s", (kind) => {
    test.each(["containers", "initContainers"])("when one of its %s states none", (list) => {
      const broken = withPodChange(kind, [list, 0, "resources"], undefined);
      expect(violations(resourcesBounded, broken)).toHaveLength(4);
    });
  });

  describe.each(["requests", "limits"])("refuse %s", (bound) => {
    test.each(["cpu", "memory"])("without %s", (resource) => {
      const path = ["containers", 0, "resources", bound, resource];
      const broken = withPodChange("Deployment", path, undefined);
      expect(violations(resourcesBounded, broken)).toHaveLength(1);
    });

    test.each([0, "0", "0Mi", -1, "", "much", null])("of %j", (value) => {
      const path = ["containers", 0, "resources", bound, "memory"];
      const broken = withPodChange("Deployment", path, value);
      expect(violations(resourcesBounded, broken)).toHaveLength(1);
    });
  });

  test.each([1, 0.5, "1", "0.5", "250m", "1Gi", "1500M"])("allow the quantity %j", (value) => {
    const path = ["containers", 0, "resources", "limits", "cpu"];
    expect(violations(resourcesBounded, withPodChange("Pod", path, value))).toEqual([]);
  });

  test("name the container and the quantity that is missing", () => {
    const path = ["initContainers", 0, "resources", "limits", "memory"];
    const [message] = violations(resourcesBounded, withPodChange("Pod", path, undefined));
    expect(message).toMatch(
      /^container "first" \(spec\.initContainers\[0\]\): resources\.limits\.memory must .*, found nothing/,
    );
  });
});

describe("jobs end", () => {
  test("when their bounds are stated", () => {
    expect(violations(jobsEnd, workload("Job"))).toEqual([]);
    expect(violations(jobsEnd, workload("CronJob"))).toEqual([]);
  });

  const jobMutations: readonly [string, unknown][] = [
    ["activeDeadlineSeconds", undefined],
    ["activeDeadlineSeconds", 0],
    ["activeDeadlineSeconds", "600"],
    ["backoffLimit", undefined],
    ["backoffLimit", -1],
  ];

  test.each(jobMutations)("or a Job with %s: %j is refused", (field, value) => {
    const broken = change(workload("Job"), ["spec", field], value);
    expect(violations(jobsEnd, broken)).toHaveLength(1);
  });

  test.each(jobMutations)("or a CronJob whose jobs have %s: %j is refused", (field, value) => {
    const broken = change(workload("CronJob"), ["spec", "jobTemplate", "spec", field], value);
    expect(violations(jobsEnd, broken)).toHaveLength(1);
  });

  test.each([
    ["concurrencyPolicy", undefined],
    ["concurrencyPolicy", "Allow"],
    ["concurrencyPolicy", "Replace"],
    ["startingDeadlineSeconds", undefined],
    ["startingDeadlineSeconds", 5],
    ["timeZone", undefined],
    ["timeZone", ""],
    ["successfulJobsHistoryLimit", undefined],
    ["failedJobsHistoryLimit", undefined],
    ["failedJobsHistoryLimit", 0],
  ])("or a CronJob with %s: %j is refused", (field, value) => {
    const broken = change(workload("CronJob"), ["spec", field], value);
    expect(violations(jobsEnd, broken)).toHaveLength(1);
  });

  test("or the message names the job, the field, the value and what is allowed", () => {
    const broken = change(workload("CronJob"), ["spec", "concurrencyPolicy"], "Allow");
    expect(violations(jobsEnd, broken)).toEqual([
      'CronJob backend: spec.concurrencyPolicy must be "Forbid", found "Allow". State it in the ' +
        "component that declares the job.",
    ]);
  });

  test("without a word about what is no job", () => {
    expect(violations(jobsEnd, workload("Deployment"))).toEqual([]);
  });
});
