import type { ResourceValidationArgs } from "@pulumi/policy";
import { kindOf } from "./kinds.ts";
import { at, visitEach } from "./read.ts";

/** The pod that an object runs, and where it stands in the inputs. */
export interface Pod {
  readonly path: string;
  readonly spec: unknown;
}

/** One container of a pod, of any of the three lists. */
export interface Container {
  readonly list: "containers" | "initContainers" | "ephemeralContainers";
  /** For messages: `container "backend" (spec.template.spec.containers[0])`. */
  readonly where: string;
  readonly spec: unknown;
  readonly pod: Pod;
}

const containerLists = ["containers", "initContainers", "ephemeralContainers"] as const;

const podPaths: Readonly<Record<string, readonly string[]>> = {
  Pod: ["spec"],
  PodTemplate: ["template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};

const templatePath = ["spec", "template", "spec"];

/**
 * The pod that an object of any kind runs, or undefined if it runs none. Custom resources with a
 * pod template in the usual place (such as Argo's Rollout) count.
 */
export function podOf(args: Pick<ResourceValidationArgs, "type" | "props">): Pod | undefined {
  if (!args.type.startsWith("kubernetes:")) return undefined;
  const path = podPaths[kindOf(args.type) ?? ""] ?? templatePath;
  const spec = at(args.props, ...path);
  const runsContainers = containerLists.some((list) => at(spec, list) !== undefined);
  return runsContainers ? { path: path.join("."), spec } : undefined;
}

/** Visits the containers, init containers and ephemeral containers of whatever runs a pod. */
export function visitContainers(
  args: Pick<ResourceValidationArgs, "type" | "props">,
  visit: (container: Container) => void,
): void {
  const pod = podOf(args);
  if (pod === undefined) return;
  visitEach(containerLists, (list) => {
    const name = list as Container["list"];
    visitEach(at(pod.spec, name), (spec, index) => {
      const where = `container ${JSON.stringify(at(spec, "name"))} (${pod.path}.${name}[${index}])`;
      visit({ list: name, where, spec, pod });
    });
  });
}
