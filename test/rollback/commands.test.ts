import type { DataTarget } from "../../rollback/change.ts";
import { commands } from "../../rollback/commands.ts";
import type { Way } from "../../rollback/decide.ts";
import { settingsBack } from "../../rollback/settings.ts";
import { inOneLine, waysAround } from "../../rollback/ways-back.ts";
import { Story } from "./story.ts";
import { operands, typed } from "./typed.ts";

const stack = "production";
const data: DataTarget = { generation: 2, region: "eu-north-1", storage: "100Gi" };
const point = { name: "v1.3.0", generation: 1 };
const upTo = (...versions: string[]) => new Story().through("v1.2.0", ...versions);

function everyWay(): readonly Way[] {
  const restored = upTo("v1.3.0");
  restored.run("v1.3.0", { data: { generation: 2, from: { latest: true } } });
  const left = { data: { generation: 3, from: { latest: true } as const, of: 1 } };
  const nowhere = { data: { generation: 2 } };
  return [
    ...upTo("v1.3.0", "v1.4.0").refusal("v1.2.0").ways,
    ...upTo("v1.3.0").refusal("v1.3.0", nowhere).ways,
    ...restored.refusal("v1.3.0", left).ways,
    ...restored.refusal("v1.3.0", { data: { generation: 1 } }).ways,
    ...waysAround(upTo("v1.3.0").situation("v1.2.0", nowhere)),
  ];
}

const lines = [
  ...everyWay().flatMap((way) => [...way.commands, inOneLine(way)]),
  ...commands.retry(stack, "v1.2.0"),
  // As for a stack whose file is not there.
  ...commands.restore(stack, "v1.2.0", point, { ...data, storage: "<size>" }),
  ...commands.ofGeneration(stack, "v1.2.0", point, data),
  ...settingsBack(
    { a: "-5", b: -5, c: "it's", d: "", e: { "x's y": "<z>", 'say "so"': "$HOME" }, f: "true" },
    { a: 1, g: 1 },
    stack,
  ),
];

test.each([...new Set(lines)])("a shell takes it as it is meant: %s", (line) => {
  const calls = typed(line);
  expect(calls.length).toBe(line.split(/ && (?=pulumi |npm |git )/).length);
  for (const call of calls.filter(([program]) => program === "pulumi")) {
    const [, command, verb] = call;
    const count = operands(call, stack).length;
    if (command === "up") expect(count).toBe(1);
    else expect([verb, count]).toEqual(verb === "set" ? ["set", 4] : ["rm", 3]);
  }
});

test("a generation's loss is accepted with one value, and what has to be filled in is no redirection", () => {
  const [, accepted = ""] = commands.accept(stack, "v1.3.0", "generation 2");
  expect(typed(accepted)[0]).toContain("generation 2");
  const [, point = ""] = commands.source(stack, "v1.3.0", data);
  expect(typed(point)[0]).toContain("<point>");
});

test("a value that begins with a dash stands behind the options", () => {
  const [line = ""] = settingsBack({ offset: -5 }, {}, stack);
  expect(line).toBe("pulumi config set --path lifeline:offset --stack production -- -5");
});
