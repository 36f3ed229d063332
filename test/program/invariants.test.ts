import type { DeclaredResource } from "../../rehearsal/graph.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { isKubernetesObject, isProvider, isStack } from "../../rehearsal/graph-view.ts";
import { all, at, kindOf, objectName } from "../support/declare.ts";
import { programOf, stacks } from "../support/program.ts";

const regions = ["eu-north-1", "eu-west-1"];

const generatedSecret = "canary-a41c";

const identity = ({ type, name }: DeclaredResource) => `${type} ${name}`;
const isStateful = (resource: DeclaredResource) =>
  ["Namespace", "StatefulSet", "Key", "Bucket", "RandomPassword"].includes(kindOf(resource));

describe.each(stacks)("%s", (stack) => {
  let graph: GraphView;
  let objects: DeclaredResource[];
  beforeAll(async () => {
    graph = await programOf(stack, {}, { generatedSecret });
    objects = graph.resources.filter(isKubernetesObject);
  }, 30_000);
  const regionOf = (resource: DeclaredResource) =>
    regions.find((region) => graph.componentOf(resource).name.startsWith(`${region}-`));

  test("gives every resource a parent, and that parent is a component", () => {
    const orphans = graph.resources.filter((it) => !isStack(it) && !graph.parentOf(it));
    expect(orphans.map(identity)).toEqual([]);
    const custom = graph.resources.filter((it) => it.custom && !isStack(it));
    expect(custom.filter((it) => graph.componentOf(it) === it).map(identity)).toEqual([]);
  });

  test("names every resource once", () => {
    const names = graph.resources.map(identity);
    expect(names.length).toBe(new Set(names).size);
  });

  test("puts every object into its namespace, but for what belongs to the cluster", () => {
    const [namespace] = all(graph, "Namespace").map(objectName);
    const elsewhere = objects.filter(
      ({ inputs }) => at(inputs, "metadata", "namespace") !== namespace,
    );
    expect([...new Set(elsewhere.map(kindOf))].sort()).toEqual(["ClusterIssuer", "Namespace"]);
  });

  test("labels every object with what it is and whose it is", () => {
    const bare = objects.filter(({ inputs }) => {
      const labels = at(inputs, "metadata", "labels");
      return ["name", "instance", "component", "part-of", "managed-by"].some(
        (label) => at(labels, `app.kubernetes.io/${label}`) === undefined,
      );
    });
    expect(bare.map(identity)).toEqual([]);
  });

  test("protects everything that holds state", () => {
    const stateful = graph.resources.filter((it) => it.custom && isStateful(it));
    expect(stateful.length).toBeGreaterThanOrEqual(2 * 4);
    expect(stateful.filter(({ options }) => !options.protect).map(identity)).toEqual([]);
  });

  test("reaches each region by that region's own providers", () => {
    const resources = graph.resources.filter((it) => it.custom && regionOf(it) && !isProvider(it));
    const strays = resources.filter((resource) => {
      const region = regionOf(resource) ?? "";
      if (kindOf(resource) === "Command") return false;
      return !graph.providerOf(resource)?.name.startsWith(`${region}-providers-`);
    });
    expect(strays.map(identity)).toEqual([]);
  });

  test("declares the same in both regions", () => {
    const [first, second] = regions.map((region) =>
      graph.resources
        .filter((resource) => regionOf(resource) === region)
        .map((resource) => identity(resource).replace(region, "")),
    );
    expect(first?.sort()).toEqual(second?.sort());
  });

  test("starts the backend after the migration, and the migration after the database", () => {
    for (const region of regions) {
      const after = (thing: string) => {
        const component = graph.components().find(({ name }) => name === `${region}-${thing}`);
        return component === undefined ? [] : graph.dependsOn(component);
      };
      expect(after("migration")).toContain(`${region}-postgres`);
      expect(after("backend")).toContain(`${region}-migration`);
      expect(after("gateway")).toEqual(
        expect.arrayContaining([`${region}-backend`, `${region}-certificates`]),
      );
      expect(after("smoke")).toContain(`${region}-gateway`);
    }
  });

  test("lets the deployer do exactly what a release does in the namespace", () => {
    const administrators = ["Namespace", "ResourceQuota", "LimitRange", "Role", "RoleBinding"];
    const released = objects.filter(
      (it) =>
        regionOf(it) === regions[0] &&
        kindOf(it) !== "ClusterIssuer" &&
        !administrators.includes(kindOf(it)),
    );
    const needed = released.flatMap(({ inputs, options }) => {
      const group = String(inputs["apiVersion"]).split("/").slice(0, -1).join("/");
      const verbs = ["create", "get", "patch", ...(options.protect ? [] : ["delete"])];
      return verbs.map((verb) => `${verb} ${group}/${plural(String(inputs["kind"]))}`);
    });
    const [role] = all(graph, "Role");
    const allowed = (at(role?.inputs, "rules") as Rule[]).flatMap((rule) =>
      rule.verbs.flatMap((verb) =>
        rule.resources.map((name) => `${verb} ${rule.apiGroups.join()}/${name}`),
      ),
    );
    const writes = (verb: string) => !/^(get|list|watch) /.test(verb);
    expect([...new Set(allowed.filter(writes))].sort()).toEqual(
      [...new Set(needed.filter(writes))].sort(),
    );
    expect(allowed).toEqual(expect.arrayContaining(needed));
  });

  test("declares the same when nothing is known yet", async () => {
    const unknown = await programOf(stack, {}, { unknown: true });
    expect(unknown.resources.map(identity).sort()).toEqual(graph.resources.map(identity).sort());
  }, 30_000);

  test("shows no generated secret to anybody but the engine", () => {
    expect(JSON.stringify(graph.resources)).not.toContain(generatedSecret);
  });

  test("fails over without touching AWS or anything but the database's configuration", async () => {
    const flipped = await programOf(stack, { "lifeline:activeRegion": "eu-west-1" });
    const before = new Map(graph.resources.map((it) => [it.urn, JSON.stringify(it)]));
    expect(flipped.resources.map(({ urn }) => urn).sort()).toEqual([...before.keys()].sort());
    const changed = flipped.resources.filter(
      (it) => it.custom && JSON.stringify(it) !== before.get(it.urn),
    );
    expect(changed.map(identity).sort()).toEqual(
      regions
        .flatMap((region) => [
          `kubernetes:apps/v1:StatefulSet ${region}-postgres`,
          `kubernetes:core/v1:ConfigMap ${region}-postgres-config`,
          // Whether an unreachable cluster is skipped: a change in place, in the engine alone.
          `pulumi:providers:kubernetes ${region}-providers-cluster`,
        ])
        .sort(),
    );
  }, 30_000);
});

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
}

function plural(kind: string): string {
  const name = kind.toLowerCase();
  return /[^aeiou]y$/.test(name) ? name.replace(/y$/, "ies") : `${name}s`;
}
