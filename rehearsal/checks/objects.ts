import type { Answer } from "../../diagnosis/api.ts";
import type { Cluster } from "./cluster.ts";

/** Where the API server serves each kind this rehearsal reads or writes. */
const groups = {
  namespaces: "/api/v1",
  nodes: "/api/v1",
  pods: "/api/v1",
  secrets: "/api/v1",
  services: "/api/v1",
  serviceaccounts: "/api/v1",
  persistentvolumeclaims: "/api/v1",
  resourcequotas: "/api/v1",
  limitranges: "/api/v1",
  deployments: "/apis/apps/v1",
  statefulsets: "/apis/apps/v1",
  jobs: "/apis/batch/v1",
  cronjobs: "/apis/batch/v1",
  networkpolicies: "/apis/networking.k8s.io/v1",
  endpointslices: "/apis/discovery.k8s.io/v1",
  roles: "/apis/rbac.authorization.k8s.io/v1",
  rolebindings: "/apis/rbac.authorization.k8s.io/v1",
  clusterroles: "/apis/rbac.authorization.k8s.io/v1",
  clusterrolebindings: "/apis/rbac.authorization.k8s.io/v1",
  subjectaccessreviews: "/apis/authorization.k8s.io/v1",
  certificates: "/apis/cert-manager.io/v1",
  clusterissuers: "/apis/cert-manager.io/v1",
  issuers: "/apis/cert-manager.io/v1",
  gateways: "/apis/gateway.networking.k8s.io/v1",
  httproutes: "/apis/gateway.networking.k8s.io/v1",
} as const;

export type Kind = keyof typeof groups;

export interface Scope {
  readonly namespace?: string;
  /** Labels every listed object has. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Path of a collection, or of one object in it. */
export function pathOf(kind: Kind, namespace?: string, name?: string): string {
  const where = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${groups[kind]}${where}/${kind}${name === undefined ? "" : `/${name}`}`;
}

/** The object, or undefined when there is none. Rejects on any other answer. */
export async function find<T>(
  cluster: Cluster,
  kind: Kind,
  name: string,
  namespace?: string,
): Promise<T | undefined> {
  const path = pathOf(kind, namespace, name);
  const answer = await cluster.request("GET", path);
  return answer.status === 404 ? undefined : (accepted(answer, `read ${path}`) as T);
}

/** As `find`, but an object that is not there is an error. */
export async function get<T>(
  cluster: Cluster,
  kind: Kind,
  name: string,
  namespace?: string,
): Promise<T> {
  const found = await find<T>(cluster, kind, name, namespace);
  if (found === undefined) throw new Error(`${kind}/${name} does not exist`);
  return found;
}

/** All objects of the kind, in one namespace or in all. */
export async function list<T>(cluster: Cluster, kind: Kind, scope: Scope = {}): Promise<T[]> {
  const selector = Object.entries(scope.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const query =
    selector.length === 0 ? "" : `?labelSelector=${encodeURIComponent(selector.join())}`;
  const path = pathOf(kind, scope.namespace) + query;
  const { items } = accepted(await cluster.request("GET", path), `list ${path}`) as { items: T[] };
  return items;
}

/** The object in the answer. Rejects with the server's message when it refused. */
export function accepted(answer: Answer, action: string): unknown {
  if (answer.status >= 200 && answer.status < 300) return JSON.parse(answer.body);
  throw new Error(`cannot ${action}: ${answer.status} ${messageOf(answer)}`);
}

/** What the server gave as its reason. */
export function messageOf(answer: Answer): string {
  try {
    const { message } = JSON.parse(answer.body) as { message?: unknown };
    return typeof message === "string" ? message : answer.body.slice(0, 300);
  } catch {
    return answer.body.slice(0, 300);
  }
}
