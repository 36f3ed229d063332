import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { releaseRecordType } from "../../components/lib/release-record-type.ts";
import { repository } from "../../rehearsal/paths.ts";
import { phasesOfUpdate } from "../../rehearsal/phases-of-update.ts";
import { isStack } from "../../rehearsal/graph-view.ts";
import { programOf, stacks } from "../support/program.ts";

const step = (type: string, urn: string) => ({
  urn,
  type,
  name: "one",
  operation: "create",
  startedAt: 0,
  finishedAt: 1000,
});

/** The phases to which a resource below a component of that type belongs. */
function phasesBelow(component: string): string[] {
  const type = "kubernetes:core/v1:ConfigMap";
  const urn = `urn:pulumi:local::lifeline::${component}$${type}::one`;
  return Object.keys(phasesOfUpdate([step(type, urn)]));
}

/** The types of all components, as their sources register them. */
const registered = globSync("{components,region,rollback}/**/*.ts", { cwd: repository })
  .map((file) => readFileSync(join(repository, file), "utf8"))
  .flatMap((source) => [...source.matchAll(/super\(\s*(?:"(lifeline:[^"]+)"|releaseRecordType)/g)])
  .map(([, literal]) => literal ?? releaseRecordType);

describe("the phases of an update", () => {
  it("have a place for the resources of every component", () => {
    expect(registered.length).toBeGreaterThan(20);
    expect(registered.filter((type) => phasesBelow(type).length !== 1)).toEqual([]);
  });

  it.each(stacks)("take in every resource that %s declares", async (stack) => {
    const { resources } = await programOf(stack);
    const steps = resources
      .filter((resource) => resource.custom && !isStack(resource))
      .map(({ type, urn }) => step(type, urn));
    const counted = Object.values(phasesOfUpdate(steps)).map((phase) => phase.resources);
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(steps.length);
  });
});
