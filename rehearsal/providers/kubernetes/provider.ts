import { valueAt } from "../difference.ts";
import { Computed, hasComputed, isMap, reveal, textOf, type PropertyMap } from "../properties.ts";
import {
  ResourceInitFailed,
  type Checked,
  type CheckRequest,
  type Connection,
  type Created,
  type CreateRequest,
  type DeleteRequest,
  type DiffRequest,
  type Found,
  type Provider,
  type ReadRequest,
  type StandIn,
  type UpdateRequest,
  unsupported,
} from "../stand-in.ts";
import { failuresOf, parseType, withName, withNamespace } from "./check.ts";
import { Cluster, UnknownKind } from "./cluster.ts";
import { parseConfiguration, planConfiguration, type Configuration } from "./configuration.ts";
import { hideSecretData, importedInputs, liveInputs, toObject, toOutputs } from "./conversion.ts";
import { plan } from "./diff.ts";
import { annotation, idOf, parseId, type KubernetesObject } from "./object.ts";
import { untilGone, untilReady, NotReady } from "./wait.ts";
import { applyOwned, createNew, validate } from "./write.ts";

/** Stand-in for the `kubernetes` plugin: real objects in a real cluster, waited for. */
export const kubernetes: StandIn = {
  name: "kubernetes",
  open: (connection) => new KubernetesProvider(connection),
};

const helmRelease = "kubernetes:helm.sh/v3:Release";

class KubernetesProvider implements Provider {
  readonly #connection: Connection;
  #configuration: Configuration | undefined;
  #cluster: Cluster | undefined;
  #unreachable: string | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  diffConfig(olds: PropertyMap, news: PropertyMap) {
    return planConfiguration(olds, news);
  }

  checkConfig(news: PropertyMap): PropertyMap {
    parseConfiguration(news);
    return news;
  }

  /** Never fails for a cluster that is away: most work does not need it. */
  async configure(config: PropertyMap): Promise<void> {
    this.#configuration = parseConfiguration(config);
    try {
      this.#cluster = new Cluster(this.#configuration);
      this.#unreachable = await this.#cluster.unreachable();
    } catch (error) {
      this.#unreachable = error instanceof Error ? error.message : String(error);
    }
  }

  async check(request: CheckRequest): Promise<Checked> {
    const { type, olds, news, urn } = request;
    if (type === helmRelease) return { inputs: news };
    const { apiVersion, kind } = parseType(type);
    const { skipUpdateUnreachable } = this.#configured();
    if (this.#unreachable !== undefined && skipUpdateUnreachable && olds !== undefined) {
      this.#connection.log("warning", `not updated: ${this.#unreachable}`, urn);
      return { inputs: olds };
    }
    const named = withName({ ...request, news: { apiVersion, kind, ...news } });
    const inputs = withNamespace(named, await this.#namespaceOf(apiVersion, kind, olds));
    return { inputs, failures: failuresOf(inputs) };
  }

  async diff(request: DiffRequest) {
    return plan(request, this.#reachable(), this.#configured());
  }

  async create({ type, inputs, preview, urn, timeoutSeconds }: CreateRequest): Promise<Created> {
    if (type === helmRelease) {
      // A preview of it says no more than its inputs; to install it takes Helm.
      if (preview) return { id: "", outputs: inputs };
      throw unsupported("kubernetes", "Helm");
    }
    if (preview) return { id: "", outputs: await this.#predict(inputs, urn, "create") };
    const cluster = this.#required();
    const object = toObject(inputs);
    const upsert = this.#configured().upsertExistingObjects;
    const live = await createNew(cluster, object, upsert, this.#connection.cancelled);
    const outputs = await this.#settle(live, inputs, { urn, timeoutSeconds });
    return { id: idOf(live), outputs };
  }

  async update({ inputs, preview, urn, timeoutSeconds }: UpdateRequest): Promise<PropertyMap> {
    if (preview) return this.#predict(inputs, urn, "apply");
    const live = await applyOwned(this.#required(), toObject(inputs));
    return this.#settle(live, inputs, { urn, timeoutSeconds });
  }

  async read({ id, type, inputs, outputs }: ReadRequest): Promise<Found | undefined> {
    const { skipUpdateUnreachable, deleteUnreachable } = this.#configured();
    if (this.#unreachable !== undefined && deleteUnreachable) return undefined;
    if (this.#unreachable !== undefined && skipUpdateUnreachable) {
      return { id, inputs: inputs ?? {}, outputs };
    }
    const live = await this.#required().get({ ...kindOf(inputs, type), ...parseId(id) });
    if (live === undefined) return undefined;
    const found = inputs === undefined ? importedInputs(live) : liveInputs(live, inputs);
    return { id, inputs: found, outputs: toOutputs(live, found) };
  }

  async delete({ id, type, inputs, urn, timeoutSeconds }: DeleteRequest): Promise<void> {
    if (this.#unreachable !== undefined && this.#configured().deleteUnreachable) {
      const message = `forgotten, not deleted: ${this.#unreachable}`;
      this.#connection.log("warning", message, urn);
      return;
    }
    const cluster = this.#required();
    const reference = { ...kindOf(inputs, type), ...parseId(id) };
    const live = await cluster.get(reference);
    if (live === undefined) return;
    const policy = annotation(live, "deletionPropagationPolicy") ?? "foreground";
    await cluster.delete(reference, policy.charAt(0).toUpperCase() + policy.slice(1));
    if (annotation(live, "skipAwait") === "true") return;
    await untilGone(live, { cluster, connection: this.#connection, urn, timeoutSeconds });
  }

  /** Waits for readiness; an object that does not get there still belongs to the state. */
  async #settle(
    created: KubernetesObject,
    inputs: PropertyMap,
    { urn, timeoutSeconds }: { urn: string; timeoutSeconds: number | undefined },
  ): Promise<PropertyMap> {
    const cluster = this.#required();
    const wait = { cluster, connection: this.#connection, urn, timeoutSeconds };
    try {
      return toOutputs(await untilReady(created, wait), inputs);
    } catch (error) {
      const live = error instanceof NotReady ? error.live : created;
      const reason = error instanceof Error ? error.message : String(error);
      const resource = { id: idOf(live), inputs, outputs: toOutputs(live, inputs) };
      throw new ResourceInitFailed(resource, reason);
    }
  }

  async #predict(inputs: PropertyMap, urn: string, by: "create" | "apply"): Promise<PropertyMap> {
    const cluster = this.#reachable();
    if (cluster === undefined) {
      this.#connection.log("warning", `cannot be validated: ${this.#unreachable}`, urn);
    } else if (!hasComputed(inputs)) {
      const { upsertExistingObjects } = this.#configured();
      const warning = await validate(cluster, toObject(inputs), by, upsertExistingObjects);
      if (warning !== undefined) this.#connection.log("warning", warning, urn);
    }
    const metadata = isMap(inputs["metadata"]) ? inputs["metadata"] : {};
    const predicted = {
      ...inputs,
      metadata: { ...metadata, uid: Computed.value, resourceVersion: Computed.value },
      status: Computed.value,
    };
    return inputs["kind"] === "Secret" ? hideSecretData(predicted) : predicted;
  }

  /** For an object that names none; undefined for what lives in no namespace. */
  async #namespaceOf(apiVersion: string, kind: string, olds: PropertyMap | undefined) {
    try {
      const found = await this.#reachable()?.kind(apiVersion, kind);
      if (found !== undefined) return found.namespaced ? this.#configured().namespace : undefined;
    } catch (error) {
      // Its CRD may be made by this very run.
      if (!(error instanceof UnknownKind)) throw error;
    }
    // Not to be asked now: it stays where it is.
    return textOf(valueAt(reveal(olds), ["metadata", "namespace"]));
  }

  #configured(): Configuration {
    if (this.#configuration === undefined) {
      throw new Error("the kubernetes stand-in was not configured on this connection");
    }
    return this.#configuration;
  }

  #reachable(): Cluster | undefined {
    return this.#unreachable === undefined ? this.#cluster : undefined;
  }

  #required(): Cluster {
    const cluster = this.#reachable();
    if (cluster !== undefined) return cluster;
    throw new Error(`the configured Kubernetes cluster is unreachable: ${this.#unreachable}`);
  }
}

function kindOf(inputs: PropertyMap | undefined, type: string) {
  const { apiVersion, kind } = inputs ?? {};
  return typeof apiVersion === "string" && typeof kind === "string"
    ? { apiVersion, kind }
    : parseType(type);
}
