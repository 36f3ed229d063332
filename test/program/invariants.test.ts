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

  test("gives up in time wherever a release can stop, and tells how to go back", () => {
    const gates = graph.resources.filter(({ custom, type, inputs }) => {
      const component = String(at(inputs, "metadata", "labels", "app.kubernetes.io/component"));
      const isRelease = /^(backend|frontend|migration|smoke|gate|entry)$/.test(component);
      const waits = /:(Deployment|Job|Gateway|HTTPRoute|Certificate|ClusterIssuer)$/.test(type);
      return custom && ((isRelease && waits) || type === "command:local:Command");
    });
    const outside = gates.filter(({ name }) => !name.startsWith("database-ca"));
    expect(outside.length).toBeGreaterThanOrEqual(2 * 11);
    expect(outside.filter(({ options }) => options.createTimeout === undefined)).toEqual([]);
    const mute = outside.filter(({ options }) => options.errorHooks.length === 0);
    expect(mute.map(identity)).toEqual([]);
  });

  test("tells why a database does not come up", () => {
    const servers = objects.filter((it) => kindOf(it) === "StatefulSet");
    expect(servers.length).toBeGreaterThanOrEqual(2);
    expect(servers.filter(({ options }) => options.errorHooks.length === 0)).toEqual([]);
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
      // These belong to the run, not to a region.
      if (["Command", "RandomId"].includes(kindOf(resource))) return false;
      return !graph.providerOf(resource)?.name.startsWith(`${region}-providers-`);
    });
    expect(strays.map(identity)).toEqual([]);
  });

  test("declares the same in both regions, but for what only the writing one does", () => {
    const [first, second] = regions.map((region) =>
      graph.resources
        .filter((resource) => regionOf(resource) === region)
        .filter(({ name }) => !/^eu-north-1-(writable|writable-turn|migration)$/.test(name))
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
      expect(after("backend")).toEqual(
        expect.arrayContaining([`${region}-postgres`, "eu-north-1-migration"]),
      );
      expect(after("gateway")).toEqual(
        expect.arrayContaining([`${region}-backend`, `${region}-certificates`]),
      );
      expect(after("smoke")).toContain(`${region}-gateway`);
    }
    const [migration] = graph.components().filter(({ name }) => name.endsWith("-migration"));
    expect(migration === undefined ? [] : graph.dependsOn(migration)).toContain(
      "eu-north-1-writable",
    );
  });

  test("declares the same when nothing is known yet", async () => {
    const unknown = await programOf(stack, {}, { unknown: true });
    expect(unknown.resources.map(identity).sort()).toEqual(graph.resources.map(identity).sort());
  }, 30_000);

  test("shows no generated secret to anybody but the engine", () => {
    expect(JSON.stringify(graph.resources)).not.toContain(generatedSecret);
  });

  describe("fails over", () => {
    let changed: DeclaredResource[];
    let added: DeclaredResource[];
    let removed: DeclaredResource[];
    beforeAll(async () => {
      const flipped = await programOf(stack, { "lifeline:activeRegion": "eu-west-1" });
      const before = new Map(graph.resources.map((it) => [it.urn, it]));
      const after = new Map(flipped.resources.map((it) => [it.urn, it]));
      changed = flipped.resources.filter((it) => {
        const was = before.get(it.urn);
        return it.custom && was !== undefined && whatIsDeclared(it) !== whatIsDeclared(was);
      });
      added = flipped.resources.filter((it) => it.custom && !before.has(it.urn));
      removed = graph.resources.filter((it) => it.custom && !after.has(it.urn));
    }, 30_000);

    test("by changing what says which region writes, and nothing in AWS or of the pods", () => {
      expect(changed.map(identity).sort()).toEqual(
        regions
          .flatMap((region) => [
            `kubernetes:core/v1:ConfigMap ${region}-postgres-role-1`,
            // Whether an unreachable cluster is skipped: a change in place, in the engine alone.
            `pulumi:providers:kubernetes ${region}-providers-cluster`,
          ])
          .sort(),
      );
    });

    test("by waiting for writes, and then for the schema, in the promoted region alone", () => {
      expect(added.map(identity).sort()).toEqual([
        "kubernetes:batch/v1:Job eu-west-1-migration",
        "kubernetes:batch/v1:Job eu-west-1-writable",
        "random:index/randomId:RandomId eu-west-1-writable-turn",
      ]);
    });

    test("without deleting anything in the old region, which may be lost", () => {
      expect(removed.map(identity).sort()).toEqual([
        "kubernetes:batch/v1:Job eu-north-1-migration",
        "kubernetes:batch/v1:Job eu-north-1-writable",
        "random:index/randomId:RandomId eu-north-1-writable-turn",
      ]);
      const deleted = removed.filter(({ options }) => !options.retainOnDelete);
      // A number in the engine's state.
      expect(deleted.map(kindOf)).toEqual(["RandomId"]);
    });
  });

  test("tells the region that stops writing before the one that starts", async () => {
    for (const [active, other] of [regions, regions.toReversed()] as [string, string][]) {
      const moved = await programOf(stack, { "lifeline:activeRegion": active });
      const after = (name: string) => {
        const component = moved.components().find((it) => it.name === name);
        return component === undefined ? [] : moved.dependsOn(component);
      };
      expect(after(`${active}-postgres-role`)).toContain(`${other}-postgres-role`);
      expect(after(`${active}-postgres`)).toContain(`${active}-postgres-role`);
      expect(after(`${other}-postgres`)).toContain(`${active}-postgres`);
      expect(after(`${active}-writable`)).toContain(`${active}-postgres`);
    }
  }, 60_000);
});

/** A resource but for the order in which it comes, which changes nothing of it. */
function whatIsDeclared({ inputs, options }: DeclaredResource): string {
  return JSON.stringify([inputs, { ...options, dependencies: [] }]);
}
