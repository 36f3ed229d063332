import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";

import type { DeclaredResource } from "../../rehearsal/graph.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { programOf, stacks } from "../support/program.ts";

/**
 * One file per component and stack, so that a difference names its room. After a wanted change:
 * `UPDATE_GOLDEN=1 npm run check`, and explain the difference in the commit.
 */
const golden = join(import.meta.dirname, "golden");
const isUpdate = process.env["UPDATE_GOLDEN"] === "1";

test.each(stacks)(
  "%s declares each component as its golden file says",
  async (stack) => {
    const declared = goldenFiles(await programOf(stack));
    const folder = join(golden, stack);
    if (isUpdate) replaceFiles(folder, declared);
    const expected = readFiles(folder);
    expect(Object.keys(declared).sort()).toEqual(Object.keys(expected).sort());
    for (const [file, text] of Object.entries(declared)) {
      expect(`${file}\n${text}`).toBe(`${file}\n${expected[file] ?? ""}`);
    }
  },
  30_000,
);

/** What both regions have alike stands in one file, with `<region>` in place of their names. */
function goldenFiles(graph: GraphView): Record<string, string> {
  const texts = graph.components().map((component) => {
    const [, region = "", thing = component.name] =
      /^([a-z]+-[a-z]+-\d)-(.+)$/.exec(component.name) ?? [];
    const text = written(graph, component);
    return { region, thing, text: region === "" ? text : text.replaceAll(region, "<region>") };
  });
  return Object.fromEntries(
    texts.map(({ region, thing, text }) => {
      const isAlike = texts.every((other) => other.thing !== thing || other.text === text);
      return [isAlike ? `${thing}.yaml` : `${thing}.${region}.yaml`, text];
    }),
  );
}

function written(graph: GraphView, component: DeclaredResource): string {
  const members = graph.membersOf(component).map((resource) => ({
    type: resource.type,
    name: resource.name,
    options: graph.optionsOf(resource),
    inputs: frozen(resource.inputs),
  }));
  const content = {
    component: component.type,
    dependsOn: graph.dependsOn(component),
    resources: members,
  };
  return stringify(content, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** A text of many lines that has a file of its own is told by its checksum. */
function frozen(value: unknown): unknown {
  if (typeof value === "string" && value.length > 2000) {
    const checksum = createHash("sha256").update(value).digest("hex").slice(0, 16);
    return `[${String(value.split("\n").length)} lines, sha256 ${checksum}]`;
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(frozen);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, frozen(item)]));
}

function readFiles(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")]),
  );
}

function replaceFiles(folder: string, files: Readonly<Record<string, string>>): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
}
