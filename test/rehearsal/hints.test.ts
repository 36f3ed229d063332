import { asRehearsalCommands } from "../../rehearsal/hints.ts";
import { settingsFrom } from "../../rehearsal/set-option.ts";
import { commands } from "../../rollback/commands.ts";
import { settingsBack } from "../../rollback/settings.ts";
import { typed } from "../rollback/typed.ts";

const told = (lines: readonly string[]) => asRehearsalCommands(lines.join("\n"));

test("what a stack is told becomes one start", () => {
  expect(told(commands.deploy("local", "v1.2.0"))).toBe("npm start -- --set 'release=v1.2.0'");
});

test("a restore is told whole, and the options are understood", () => {
  const data = { generation: 1, region: "eu-north-1", storage: "2Gi" };
  const line = told(commands.restore("local", "v1.2.0", { name: "v1.4.0", generation: 1 }, data));
  const options = [...line.matchAll(/--set '(.*?)'/g)].map(([, option = ""]) => option);
  expect(settingsFrom(options)).toEqual({
    release: "v1.2.0",
    "postgres.generations[1].storage": "2Gi",
    "postgres.generations[1].from.point": "v1.4.0",
    "change.release": "v1.2.0",
    "change.acceptLoss": "v1.4.0",
  });
});

test("what people have to write themselves stays readable, and other lines as they are", () => {
  const said = told(["because", ...commands.retry("local", "v1.4.0").map((it) => `  ${it}`), "or"]);
  expect(said).toBe(
    "because\n  npm start -- --set 'change.release=v1.4.0' --set 'change.allowRetry=<what is different now>'\nor",
  );
});

test("what was given stays given", () => {
  const given = {
    release: "v1.4.0",
    "quota.storage": "9Gi",
    "postgres.generations": [{ storage: "2Gi" }],
  };
  const said = asRehearsalCommands(commands.retry("local", "v1.4.0").join("\n"), given);
  expect(said).toMatch(/^npm start -- --set 'release=v1.4.0' --set 'quota.storage=9Gi'/);
  expect(said).toContain(`--set 'postgres.generations=[{"storage":"2Gi"}]' --set 'change.release=`);
});

test("what is to be left out is not given again", () => {
  const lines = commands.withoutRestore("local", "v1.4.0", {
    ...{ generation: 2, region: "eu-north-1", storage: "2Gi" },
  });
  const start = "npm start -- --set 'release=v1.4.0'";
  const generations = [{ storage: "2Gi" }, { storage: "2Gi", from: { latest: true } }];
  expect(asRehearsalCommands(lines.join("\n"), { "postgres.generations": generations })).toBe(
    `npm start -- --set 'postgres.generations=[{"storage":"2Gi"}]' --set 'release=v1.4.0'`,
  );
  const given = { "postgres.generations[1].from.latest": true };
  expect(asRehearsalCommands(lines.join("\n"), given)).toBe(start);
});

test("takes commands that were joined to one line apart", () => {
  const line =
    "    pulumi config set lifeline:release v1.0.0 --stack local && pulumi up --stack local";
  expect(asRehearsalCommands(`back:\n${line}`)).toBe(
    "back:\n    npm start -- --set 'release=v1.0.0'",
  );
});

test("values keep their type, whatever a shell needs around them", () => {
  const was = { host: "it's", offset: -5, level: "-5", quota: { cpu: "1" } };
  const lines = settingsBack(
    was,
    { host: "a", offset: 1, level: "a", quota: { cpu: "2" } },
    "local",
  );
  const said = told([...lines, "pulumi up --stack local"]);
  const [, ...words] = typed(said)[0] ?? [];
  const options = words.filter((_, index) => words[index - 1] === "--set");
  expect(settingsFrom(options)).toEqual({
    host: "it's",
    offset: -5,
    level: "-5",
    "quota.cpu": "1",
  });
});

test("what has to be filled in is no redirection, and a path that --set does not know stays as it is", () => {
  const data = { generation: 2, region: "eu-north-1", storage: "2Gi" };
  expect(told(commands.source("local", "v1.4.0", data))).toContain("from.point=<point>'");
  const [labels = ""] = settingsBack({ gateway: { "a/b": "x" } }, {}, "local");
  expect(told([labels])).toBe(labels);
  expect(told(["pulumi up failed: it's late"])).toBe("pulumi up failed: it's late");
});

test("what a bad release leaves behind is kept of the rehearsal", () => {
  expect(told([`  keep:  ${commands.keep("local")}`])).toBe(
    "  keep:  npm run release -- keep --rehearsal",
  );
});
