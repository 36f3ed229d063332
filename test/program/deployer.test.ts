import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";

import type { DeclaredResource } from "../../rehearsal/graph.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { isKubernetesObject } from "../../rehearsal/graph-view.ts";
import { repository } from "../../rehearsal/paths.ts";
import { all, at, objectName } from "../support/declare.ts";
import { programOf, stacks } from "../support/program.ts";

/** A folder with the repository's releases, and one after them in which everything is different. */
const releasesFolder = mkdtempSync(join(tmpdir(), "releases-"));
cpSync(join(repository, "releases"), releasesFolder, { recursive: true });
const original = readFileSync(join(releasesFolder, "v1.0.0.yaml"), "utf8");
const next = parse(
  original.replaceAll(/sha256:[0-9a-f]{64}/g, `sha256:${"e".repeat(64)}`),
) as object;
writeFileSync(
  join(releasesFolder, "v1.1.0.yaml"),
  stringify({
    ...next,
    version: "v1.1.0",
    config: { backend: { LOG_LEVEL: "debug" }, frontend: { TITLE: "Next" } },
    schema: { min: 1, max: 2, target: 2 },
    secrets: { app: "5f2c" },
  }),
);
afterAll(() => rmSync(releasesFolder, { recursive: true }));

const declared = new Map<string, Promise<GraphView>>();

/** Declared once for all tests. */
function releaseOf(stack: string, release: string): Promise<GraphView> {
  const name = `${stack} ${release}`;
  const graph =
    declared.get(name) ??
    programOf(stack, { "lifeline:release": release }, { program: { releasesFolder } });
  declared.set(name, graph);
  return graph;
}

test.each(stacks)(
  "%s: the deployer may do exactly what a change of the release does",
  async (stack) => {
    const [before, after] = [await releaseOf(stack, "v1.0.0"), await releaseOf(stack, "v1.1.0")];
    const forth = needed(before, after);
    const back = needed(after, before);
    const allowed = deployerVerbs(after);
    expect(forth.length).toBeGreaterThan(0);
    expect(allowed.filter(isWrite).sort()).toEqual([...new Set([...forth, ...back])].sort());
    // Whoever changes something reads it first, and waits for it.
    for (const changed of [...forth, ...back].map((verb) => verb.split(" ")[1] ?? "")) {
      const kind = changed.split("/").slice(0, 2).join("/");
      for (const verb of ["get", "watch"])
        expect(allowed.some((it) => it === `${verb} ${changed}` || it === `${verb} ${kind}`)).toBe(
          true,
        );
    }
  },
  30_000,
);

test.each(stacks)(
  "%s: nothing that a release goes back to is deleted behind it, where the other one stopped half way",
  async (stack) => {
    const [before, after] = [await releaseOf(stack, "v1.0.0"), await releaseOf(stack, "v1.1.0")];
    const names = new Map(before.resources.map((it) => [it.urn, objectName(it)]));
    const renamed = after.resources.filter(
      (it) => isKubernetesObject(it) && names.get(it.urn) !== objectName(it),
    );
    expect(renamed.length).toBeGreaterThan(0);
    // The engine deletes what it marked in the run that stopped at the end of the next one, whatever that one needs.
    const lost = renamed.filter(
      ({ options }) => !options.retainOnDelete && !options.deleteBeforeReplace,
    );
    expect(lost.map(({ type, name }) => `${type} ${name}`)).toEqual([]);
  },
  30_000,
);

/**
 * Everything that the cluster is asked for, as `<verb> <group>/<resource>`, to get from one release to the other; what
 * keeps its name has it behind that.
 */
function needed(from: GraphView, to: GraphView): string[] {
  const before = new Map(from.resources.map((it) => [it.urn, it]));
  const after = new Set(to.resources.map(({ urn }) => urn));
  // What the program always declares is never added or removed by a release.
  expect([...before.keys()].filter((urn) => !after.has(urn))).toEqual([]);
  return to.resources.filter(isKubernetesObject).flatMap((resource) => {
    const old = before.get(resource.urn);
    if (JSON.stringify(old?.inputs) === JSON.stringify(resource.inputs)) return [];
    return old !== undefined && objectName(old) === objectName(resource)
      ? [`patch ${resourceName(resource)}/${objectName(resource)}`]
      : replacing(resource).map((verb) => `${verb} ${resourceName(resource)}`);
  });
}

/** A replacement that failed half way is made whole by a change. */
function replacing({ options }: DeclaredResource): string[] {
  return ["create", "patch", ...(options.retainOnDelete ? [] : ["delete"])];
}

const isWrite = (verb: string) => !/^(get|list|watch) /.test(verb);

function deployerVerbs(graph: GraphView): string[] {
  const role = all(graph, "Role").find((it) => objectName(it).endsWith("-deployer"));
  const rules = at(role?.inputs, "rules") as {
    readonly apiGroups: string[];
    readonly resources: string[];
    readonly verbs: string[];
    readonly resourceNames?: string[];
  }[];
  return rules.flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
    verbs.flatMap((verb) =>
      resources.flatMap((resource) => {
        const what = `${verb} ${apiGroups.join()}/${resource}`;
        return resourceNames === undefined ? what : resourceNames.map((it) => `${what}/${it}`);
      }),
    ),
  );
}

function resourceName({ inputs }: DeclaredResource): string {
  const group = String(inputs["apiVersion"]).split("/").slice(0, -1).join("/");
  return `${group}/${String(inputs["kind"]).toLowerCase()}s`;
}
