import { podsDuringRollout, rollout } from "../../../components/lib/rollout.ts";

/** The slowest stops after the fastest starts: how many pods there are at most, second by second. */
function simulated(replicas: number): number {
  const { maxSurge, minReadySeconds, terminationGraceSeconds } = rollout;
  let [old, young, most] = [replicas, 0, replicas];
  const endings: number[] = [];
  for (let second = 0; old > 0; second += minReadySeconds) {
    young += maxSurge;
    const ending = endings.filter((end) => end > second).length;
    most = Math.max(most, old + young + ending);
    old -= 1;
    endings.push(second + minReadySeconds + terminationGraceSeconds);
    const after = endings.filter((end) => end > second + minReadySeconds).length;
    most = Math.max(most, old + young + after);
  }
  return most;
}

describe("the pods of a rollout", () => {
  test.each([1, 2, 3, 6, 7, 10, 100])("of %d replicas are never more than counted", (replicas) => {
    const most = simulated(replicas);
    expect(podsDuringRollout(replicas)).toBeGreaterThanOrEqual(most);
    expect(podsDuringRollout(replicas) - most).toBeLessThanOrEqual(1);
  });

  test("of one replica are both", () => {
    expect(podsDuringRollout(1)).toBe(2);
  });
});
