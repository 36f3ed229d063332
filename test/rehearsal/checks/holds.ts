import type { RegionUnderTest, Subject } from "../../../rehearsal/checks/subject.ts";
import type { CheckResult } from "../../../rehearsal/report/evidence.ts";
import { regionWith, subject } from "./fake-cluster.ts";
import type { FakeContents, FakeObject } from "./fake-cluster.ts";

const { namespace } = subject;

export type Check = (region: RegionUnderTest, subject: Subject) => Promise<CheckResult>;

/** A check holds for the good contents and fails for each way of breaking them. */
export function holds(
  name: string,
  check: Check,
  good: FakeContents,
  broken: Record<string, FakeContents>,
) {
  describe(name, () => {
    test("passes when it holds", async () => {
      expect(await check(regionWith(good), subject)).toMatchObject({ status: "passed" });
    });
    test.each(Object.entries(broken))("fails when %s", async (_, contents) => {
      const result = await check(regionWith(contents), subject);
      expect(result).toMatchObject({ status: "failed" });
      expect(result.measured).not.toBe("");
    });
  });
}

/** An object of the product's namespace. */
export const named = (
  name: string,
  rest: Record<string, unknown> = {},
  labels = {},
): FakeObject => ({
  metadata: { name, namespace, labels, generation: 1 },
  ...rest,
});

/** The label by which pods and jobs of a component are found. */
export const component = (it: string) => ({ "app.kubernetes.io/component": it });

/** A status with one condition. */
export const condition = (type: string, status: string, observedGeneration = 1) => ({
  status: { conditions: [{ type, status, observedGeneration }] },
});

/** A check of one workload, of the backend. */
export const backend =
  (
    check: (
      region: RegionUnderTest,
      subject: Subject,
      component: "backend",
    ) => Promise<CheckResult>,
  ): Check =>
  (region, it) =>
    check(region, it, "backend");
