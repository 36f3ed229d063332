/** Whose objects they are and where they live: the same for every object of one region. */
export interface Scope {
  readonly product: string;
  readonly namespace: string;
}

/** What runs in pods, by the label `app.kubernetes.io/component`, with the name of its application. */
const applications = {
  database: "postgres",
  backup: "postgres-backup",
  "restore-proof": "postgres-restore-proof",
  gate: "writable-gate",
  backend: "backend",
  frontend: "frontend",
  migration: "db-migration",
  smoke: "smoke",
} as const;

export type Workload = keyof typeof applications;

/** A workload, or the part of the foundation under all of them that an object belongs to. */
export type Component = Workload | "foundation" | "access" | "network" | "entry" | "monitoring";

/** Workloads in the order in which they come up. */
export const workloads = Object.keys(applications) as Workload[];

function applicationOf(component: Component, scope: Scope): string {
  return component in applications ? applications[component as Workload] : scope.product;
}

/** Labels that every object carries. */
export function labels(scope: Scope, component: Component): Record<string, string> {
  return {
    "app.kubernetes.io/name": applicationOf(component, scope),
    "app.kubernetes.io/instance": scope.namespace,
    "app.kubernetes.io/component": component,
    "app.kubernetes.io/part-of": scope.product,
    "app.kubernetes.io/managed-by": "lifeline",
  };
}

/** Labels by which Services, policies and budgets find the pods; immutable in a StatefulSet and a Deployment. */
export function selector(workload: Workload): Record<string, string> {
  return {
    "app.kubernetes.io/name": applications[workload],
    "app.kubernetes.io/component": workload,
  };
}

/** Name, namespace and labels of an object in the namespace. */
export function metadata(scope: Scope, component: Component, name: string) {
  return { name, namespace: scope.namespace, labels: labels(scope, component) };
}
