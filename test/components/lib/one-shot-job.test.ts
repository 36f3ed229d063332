import { timeoutsAfter } from "../../../components/lib/one-shot-job.ts";

test("the engine waits longer than the work may take, when it is made and when it is changed", () => {
  expect(timeoutsAfter(300)).toEqual({ create: "360s", update: "360s" });
});
