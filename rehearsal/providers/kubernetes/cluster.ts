import { ApiClient, ApiError, Unreachable, type ClusterAccess } from "../../../diagnosis/api.ts";
import type { KubernetesObject, ManagedFields } from "./object.ts";

/** Owner of the fields this program sets. */
export const fieldManager = "pulumi-kubernetes";

interface Kind {
  readonly plural: string;
  readonly namespaced: boolean;
}

interface Reference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The cluster does not know this kind (yet). */
export class UnknownKind extends Error {}

/** Objects of one cluster, of any kind, addressed as the API addresses them. */
export class Cluster {
  readonly #client: ApiClient;
  readonly #kinds = new Map<string, Kind>();
  readonly #listings = new Map<string, Promise<void>>();
  #probe: Promise<string | undefined> | undefined;

  constructor(access: ClusterAccess) {
    this.#client = new ApiClient(access);
  }

  get server(): string {
    return this.#client.server;
  }

  /** Why the cluster cannot be reached; undefined when it can. Asked once, as the plugin does. */
  unreachable(): Promise<string | undefined> {
    this.#probe ??= this.#client
      .text({ method: "GET", path: "/version", timeoutMilliseconds: 5_000 })
      .then(
        () => undefined,
        (error: unknown) => {
          if (error instanceof ApiError && error.status < 500) return undefined;
          return error instanceof Error ? error.message : String(error);
        },
      );
    return this.#probe;
  }

  /** @throws UnknownKind when no installed API has it. */
  async kind(apiVersion: string, kind: string): Promise<Kind> {
    const key = `${apiVersion}/${kind}`;
    // A CRD may have been installed since the group was last listed.
    if (!this.#kinds.has(key)) await this.#list(apiVersion);
    const found = this.#kinds.get(key);
    if (found !== undefined) return found;
    throw new UnknownKind(
      `the cluster has no kind ${kind} in ${apiVersion}: is its CRD installed?`,
    );
  }

  /** Undefined when it does not exist. */
  async get(reference: Reference): Promise<KubernetesObject | undefined> {
    try {
      return await this.#client.json({ method: "GET", path: await this.#path(reference) });
    } catch (error) {
      if (error instanceof UnknownKind) return undefined;
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Items selected by the API's own query parameters. */
  async list(
    apiVersion: string,
    kind: string,
    namespace: string | undefined,
    query: Record<string, string>,
  ): Promise<KubernetesObject[]> {
    const path = await this.#path({ apiVersion, kind, namespace, name: "" });
    const { items } = await this.#client.json<{ items: Omit<KubernetesObject, "kind">[] }>({
      method: "GET",
      path: path.replace(/\/$/, ""),
      query,
    });
    return items.map((item) => ({ ...item, apiVersion, kind }) as KubernetesObject);
  }

  async create(object: KubernetesObject, dryRun = false): Promise<KubernetesObject> {
    const { apiVersion, kind, metadata } = object;
    const path = await this.#path({ apiVersion, kind, namespace: metadata.namespace, name: "" });
    return this.#client.json({
      method: "POST",
      path: path.replace(/\/$/, ""),
      query: { fieldManager, fieldValidation: "Strict", ...(dryRun ? { dryRun: "All" } : {}) },
      body: object,
    });
  }

  /** Server-side apply: takes over contested fields, removes its own that are no longer set. */
  async apply(object: KubernetesObject, dryRun = false): Promise<KubernetesObject> {
    return this.#client.json({
      method: "PATCH",
      path: await this.#path(named(object)),
      query: {
        fieldManager,
        force: "true",
        fieldValidation: "Strict",
        ...(dryRun ? { dryRun: "All" } : {}),
      },
      contentType: "application/apply-patch+yaml",
      body: object,
    });
  }

  /** Replaces the record of who owns which field, unless the object changed since it was read. */
  async setManagedFields(live: KubernetesObject, managed: readonly ManagedFields[]): Promise<void> {
    await this.#client.json({
      method: "PATCH",
      path: await this.#path(named(live)),
      query: { fieldManager },
      contentType: "application/json-patch+json",
      body: [
        { op: "replace", path: "/metadata/managedFields", value: managed },
        { op: "replace", path: "/metadata/resourceVersion", value: live.metadata.resourceVersion },
      ],
    });
  }

  /** Starts the deletion; nothing happens when the object is gone already. */
  async delete(reference: Reference, propagationPolicy: string): Promise<void> {
    try {
      const path = await this.#path(reference);
      await this.#client.json({ method: "DELETE", path, body: { propagationPolicy } });
    } catch (error) {
      if (error instanceof UnknownKind) return;
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }

  /** Last lines a container wrote; empty when there are none to be had. */
  async logs(namespace: string, pod: string, container: string, tailLines = 10): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log`;
    for (const previous of ["true", "false"]) {
      try {
        const query = { container, previous, tailLines: String(tailLines) };
        const text = await this.#client.text({ method: "GET", path, query });
        if (text.trim() !== "") return text.trim();
      } catch (error) {
        if (error instanceof Unreachable) return "";
      }
    }
    return "";
  }

  async #path({ apiVersion, kind, namespace, name }: Reference): Promise<string> {
    const { plural, namespaced } = await this.kind(apiVersion, kind);
    const scope = namespaced && namespace !== undefined ? `/namespaces/${namespace}` : "";
    return `${root(apiVersion)}${scope}/${plural}/${name}`;
  }

  #list(apiVersion: string): Promise<void> {
    const running = this.#listings.get(apiVersion);
    if (running !== undefined) return running;
    const listing = this.#readKinds(apiVersion).finally(() => this.#listings.delete(apiVersion));
    this.#listings.set(apiVersion, listing);
    return listing;
  }

  async #readKinds(apiVersion: string): Promise<void> {
    interface Listing {
      resources: { name: string; kind: string; namespaced: boolean }[];
    }
    try {
      const path = root(apiVersion);
      const { resources } = await this.#client.json<Listing>({ method: "GET", path });
      for (const { name, kind, namespaced } of resources) {
        // `deployments/scale` and the like are not kinds of their own.
        if (!name.includes("/")) {
          this.#kinds.set(`${apiVersion}/${kind}`, { plural: name, namespaced });
        }
      }
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }
}

function root(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function named({ apiVersion, kind, metadata }: KubernetesObject): Reference {
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name ?? "" };
}
