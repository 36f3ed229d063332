import type { DeclaredResource } from "./graph.ts";

/** What differs from the default among a resource's options, with names in place of URNs. */
export interface ReadableOptions {
  readonly parent?: string;
  /** Resources of the same component, and other components as a whole. */
  readonly dependsOn?: readonly string[];
  readonly provider?: string;
  readonly protect?: true;
  readonly retainOnDelete?: true;
  readonly createTimeout?: string;
  readonly ignoreChanges?: readonly string[];
  readonly replaceOnChanges?: readonly string[];
}

/** A declared graph, looked at from the outside. */
export class GraphView {
  readonly resources: readonly DeclaredResource[];
  readonly #byUrn: ReadonlyMap<string, DeclaredResource>;

  constructor(resources: readonly DeclaredResource[]) {
    this.resources = resources;
    this.#byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  }

  parentOf({ options }: DeclaredResource): DeclaredResource | undefined {
    return options.parent === undefined ? undefined : this.#byUrn.get(options.parent);
  }

  providerOf({ options }: DeclaredResource): DeclaredResource | undefined {
    return options.provider === undefined ? undefined : this.#byUrn.get(options.provider);
  }

  /** The component directly under the stack that the resource belongs to; itself, if it is one. */
  componentOf(resource: DeclaredResource): DeclaredResource {
    const parent = this.parentOf(resource);
    return parent === undefined || isStack(parent) ? resource : this.componentOf(parent);
  }

  /** Components directly under the stack, in order of declaration. */
  components(): DeclaredResource[] {
    return this.resources.filter((resource) => {
      const parent = this.parentOf(resource);
      return parent !== undefined && isStack(parent);
    });
  }

  /** Everything below the component that stands for something real, in order of declaration. */
  membersOf(component: DeclaredResource): DeclaredResource[] {
    return this.resources.filter(
      (resource) => resource.custom && this.componentOf(resource) === component,
    );
  }

  /** Names of what has to be there first. */
  dependsOn(resource: DeclaredResource): string[] {
    const own = this.componentOf(resource);
    const names = resource.options.dependencies.flatMap((urn) => {
      const dependency = this.#byUrn.get(urn);
      if (dependency === undefined) return [];
      const theirs = this.componentOf(dependency);
      return [theirs === own ? dependency.name : theirs.name];
    });
    return [...new Set(names)].sort();
  }

  optionsOf(resource: DeclaredResource): ReadableOptions {
    const { protect, retainOnDelete, createTimeout, ignoreChanges, replaceOnChanges } =
      resource.options;
    const parent = this.parentOf(resource);
    const provider = this.providerOf(resource);
    const dependsOn = this.dependsOn(resource);
    return {
      ...(parent !== undefined && { parent: parent.name }),
      ...(dependsOn.length > 0 && { dependsOn }),
      ...(provider !== undefined && { provider: provider.name }),
      ...(protect && { protect }),
      ...(retainOnDelete && { retainOnDelete }),
      ...(createTimeout !== undefined && { createTimeout }),
      ...(ignoreChanges.length > 0 && { ignoreChanges }),
      ...(replaceOnChanges.length > 0 && { replaceOnChanges }),
    };
  }
}

export function isStack({ type }: DeclaredResource): boolean {
  return type === "pulumi:pulumi:Stack";
}

export function isProvider({ type }: DeclaredResource): boolean {
  return type.startsWith("pulumi:providers:");
}

/** A Helm release is an instruction to Helm, not an object of the API. */
export function isKubernetesObject({ type }: DeclaredResource): boolean {
  return type.startsWith("kubernetes:") && !type.startsWith("kubernetes:helm.sh/");
}
