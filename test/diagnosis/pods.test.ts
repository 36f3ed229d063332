import { podTrouble } from "../../diagnosis/pods.ts";

describe("podTrouble", () => {
  const container = (fields: object) => ({
    status: { containerStatuses: [{ name: "app", ready: false, ...fields }] },
  });
  it.each([
    [
      "an image that cannot be had",
      container({ state: { waiting: { reason: "ImagePullBackOff", message: "no such image" } } }),
      "app: ImagePullBackOff: no such image",
    ],
    [
      "a crash loop with its exit code",
      container({
        state: { waiting: { reason: "CrashLoopBackOff" } },
        lastState: { terminated: { exitCode: 2, reason: "Error" } },
      }),
      "app: CrashLoopBackOff (exit code 2, Error)",
    ],
    [
      "no node to run on",
      {
        status: {
          conditions: [
            {
              type: "PodScheduled",
              status: "False",
              reason: "Unschedulable",
              message: "0/1 nodes",
            },
          ],
        },
      },
      "Unschedulable: 0/1 nodes",
    ],
    [
      "a failing init container",
      {
        status: {
          initContainerStatuses: [
            { name: "init", state: { terminated: { exitCode: 1, reason: "Error" } } },
          ],
        },
      },
      "init: Error (exit code 1, Error)",
    ],
    [
      "a probe that does not pass",
      container({ state: { running: {} } }),
      "app runs but is not ready",
    ],
    [
      "nothing while it starts",
      container({ state: { waiting: { reason: "ContainerCreating" } } }),
      undefined,
    ],
    [
      "nothing when it is well",
      { status: { containerStatuses: [{ name: "app", ready: true, state: { running: {} } }] } },
      undefined,
    ],
  ])("tells of %s", (_case, pod, expected) => {
    expect(podTrouble(pod as unknown as Parameters<typeof podTrouble>[0])).toBe(expected);
  });
});
