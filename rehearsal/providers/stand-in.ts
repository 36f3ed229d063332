import type { Plan } from "./difference.ts";
import type { PropertyMap } from "./properties.ts";

/** A resource as the engine names it. */
export interface Subject {
  readonly urn: string;
  /** Type token, such as `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
  /** Logical name in the program. */
  readonly name: string;
}

export interface CheckRequest extends Subject {
  /** Inputs of the last update; undefined for a new resource. */
  readonly olds: PropertyMap | undefined;
  readonly news: PropertyMap;
  /** The same in preview and update, so that generated names agree. */
  readonly seed: Uint8Array;
}

export interface DiffRequest extends Subject {
  readonly id: string;
  readonly oldInputs: PropertyMap;
  readonly oldOutputs: PropertyMap;
  readonly news: PropertyMap;
}

export interface CreateRequest extends Subject {
  readonly inputs: PropertyMap;
  readonly preview: boolean;
  /** From `customTimeouts`; undefined when the program sets none. */
  readonly timeoutSeconds: number | undefined;
}

export interface UpdateRequest extends CreateRequest {
  readonly id: string;
  readonly oldInputs: PropertyMap;
  readonly oldOutputs: PropertyMap;
}

export interface ReadRequest extends Subject {
  readonly id: string;
  /** Undefined for an import. */
  readonly inputs: PropertyMap | undefined;
  readonly outputs: PropertyMap;
}

export interface DeleteRequest extends Subject {
  readonly id: string;
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
  readonly timeoutSeconds: number | undefined;
}

export interface Checked {
  readonly inputs: PropertyMap;
  readonly failures?: readonly { readonly property: string; readonly reason: string }[];
}

export interface Created {
  readonly id: string;
  readonly outputs: PropertyMap;
}

export interface Found extends Created {
  readonly inputs: PropertyMap;
}

/** One configured provider: the engine opens a connection for each. */
export interface Provider {
  checkConfig?(news: PropertyMap): PropertyMap;
  diffConfig?(olds: PropertyMap, news: PropertyMap): Plan;
  configure(config: PropertyMap): Promise<void> | void;
  check(request: CheckRequest): Promise<Checked> | Checked;
  diff(request: DiffRequest): Promise<Plan> | Plan;
  create(request: CreateRequest): Promise<Created> | Created;
  /** Undefined when the resource is gone. */
  read(request: ReadRequest): Promise<Found | undefined> | Found | undefined;
  update(request: UpdateRequest): Promise<PropertyMap> | PropertyMap;
  delete(request: DeleteRequest): Promise<void> | void;
  invoke?(token: string, args: PropertyMap): Promise<PropertyMap> | PropertyMap;
}

/** What a provider may use of its connection. */
export interface Connection {
  /** Shows a line beside the resource; secrets are cut out. `passing` lines vanish at the end. */
  log(severity: "info" | "warning", message: string, urn: string, passing?: boolean): void;
  /** Aborted when the engine cancels the run. */
  readonly cancelled: AbortSignal;
}

/** A stand-in for an official Pulumi plugin: test equipment, not for production. */
export interface StandIn {
  /** Package name of the plugin it stands in for. */
  readonly name: string;
  open(connection: Connection): Provider;
}

/** The resource exists but is not ready: the engine keeps it in state and tries again next time. */
export class ResourceInitFailed extends Error {
  readonly resource: Found;
  constructor(resource: Found, reason: string) {
    super(reason);
    this.resource = resource;
  }
}

/** Refuses what a stand-in does not do, and says where it works. */
export function unsupported(standIn: string, what: string): Error {
  return new Error(
    `the ${standIn} stand-in has no ${what}: declare something else in the rehearsal, or use the official plugin`,
  );
}
