import type { KubernetesObject } from "../../../../rehearsal/providers/kubernetes/object.ts";
import {
  parseWaitFor,
  waitForVerdict,
} from "../../../../rehearsal/providers/kubernetes/wait-for.ts";
import type { PropertyMap } from "../../../../rehearsal/providers/properties.ts";

describe("pulumi.com/waitFor", () => {
  const live = (status: PropertyMap, generation = 2) =>
    ({ apiVersion: "x/v1", kind: "X", metadata: { generation }, status }) as KubernetesObject;
  const condition = (fields: PropertyMap) => live({ conditions: [{ type: "Ready", ...fields }] });

  const observed = (observedGeneration: number) => ({
    status: { observedGeneration, conditions: [{ type: "Ready", status: "True" }] },
  });
  const a = { type: "A", ok: "yes" };
  const b = { type: "B", ok: "yes" };
  const byType = (type: string) => `jsonpath={.status.list[?(@.type=="${type}")].ok}=yes`;
  const fresh = `jsonpath={.status.list[?@.type=='B' && @.seen==$.metadata.generation].ok}=yes`;

  it.each([
    ["condition=Ready", condition({ status: "True" }), "ready"],
    ["condition=Ready", condition({ status: "False" }), "waiting"],
    ["condition=Ready", live({}), "waiting"],
    ["condition=Ready=False", condition({ status: "False" }), "ready"],
    ["condition=Ready", condition({ status: "True", observedGeneration: 1 }), "waiting"],
    ["condition=Ready", condition({ status: "True", observedGeneration: 2 }), "ready"],
    ["jsonpath={.status.phase}=Running", live({ phase: "Running" }), "ready"],
    ["jsonpath={.status.phase}=Running", live({ phase: "Failed" }), "waiting"],
    ["jsonpath={.status.addresses[0].value}", live({ addresses: [{ value: "x" }] }), "ready"],
    ["jsonpath={.status.addresses[0].value}", live({ addresses: [] }), "waiting"],
    ["jsonpath={.status.ready}=3", live({ ready: 3 }), "ready"],
    ["jsonpath={.status.done}=true", live({ done: true }), "ready"],
    ["jsonpath={$.status.done}", live({ done: false }), "ready"],
    ["jsonpath={.status['a.b']}=x", live({ "a.b": "x" }), "ready"],
    ["condition=Ready", { ...condition({ status: "True" }), ...observed(1) }, "waiting"],
    ["condition=Ready", { ...condition({ status: "True" }), ...observed(2) }, "ready"],
    [byType("B"), live({ list: [a, b] }), "ready"],
    [byType("B"), live({ list: [a, { ...b, ok: "no" }] }), "waiting"],
    [byType("B"), live({ list: [a] }), "waiting"],
    [byType("B"), live({ list: "B" }), "waiting"],
    [fresh, live({ list: [a, { ...b, seen: 2 }] }), "ready"],
    [fresh, live({ list: [a, { ...b, seen: 1 }] }), "waiting"],
    [fresh, live({ list: [a, b] }), "waiting"],
    ['["condition=Ready","jsonpath={.status.a}=1"]', condition({ status: "True" }), "waiting"],
  ])("%s on %j is %s", (annotation, object, state) => {
    expect(waitForVerdict(object, annotation).state).toBe(state);
  });

  it("says what is missing and why", () => {
    const verdict = waitForVerdict(
      condition({ status: "False", message: "no issuer" }),
      "condition=Ready",
    );
    expect(verdict).toMatchObject({
      why: "waiting for condition=Ready (Ready=False: no issuer)",
    });
  });

  it.each([
    "Ready",
    "jsonpath=status",
    "jsonpath=.status.phase",
    "jsonpath={status}",
    "jsonpath={.status}=",
    "jsonpath={.status}=a=b",
    "jsonpath={.a-b}",
    "jsonpath={.a[?(@.b)]}",
    'jsonpath={.a[?@.b!="c"]}',
    'jsonpath={.a[?@.b=="c" || @.d=="e"]}',
    'jsonpath={.a[?(@.b=="c"].d}',
    '{"operator":"Any"}',
  ])("refuses %s, which could never be met", (annotation) => {
    expect(() => parseWaitFor(annotation)).toThrow("pulumi.com/waitFor must be");
  });
});
