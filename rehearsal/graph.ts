import type { Alias } from "@pulumi/pulumi/proto/alias_pb.js";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import * as pulumi from "@pulumi/pulumi";
import debuggable from "@pulumi/pulumi/runtime/debuggable.js";

import type { KnownResource } from "../rollback/state.ts";
import { mask } from "./masked.ts";

/** A resource as the program declares it: nothing of it has to exist. */
export interface DeclaredResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** False for components and the stack. */
  readonly custom: boolean;
  /** Secrets are "[secret]", values that only a run brings are "[unknown]". */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly options: DeclaredOptions;
}

export interface DeclaredOptions {
  /** URN of the parent; undefined only for the stack. */
  readonly parent?: string;
  /** URNs of everything that has to be there first, by option or by use. */
  readonly dependencies: readonly string[];
  /** URN of the provider; undefined for components. */
  readonly provider?: string;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  /** Who else it may have been. */
  readonly aliases: readonly DeclaredAlias[];
  /** Longest that creating it may take, as written. */
  readonly createTimeout?: string;
  /** Names of those who are told when it fails. */
  readonly errorHooks: readonly string[];
}

/** An earlier identity; what is left out is as it is now. */
export interface DeclaredAlias {
  readonly urn?: string;
  readonly name?: string;
  readonly type?: string;
  /** URN of the parent then; "" for none. */
  readonly parent?: string;
}

export interface GraphOptions {
  readonly stack: string;
  /** Every key with its namespace, structured values as JSON. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys?: readonly string[];
  /** As a first preview sees it: no value of any resource is known yet. */
  readonly unknown?: boolean;
  /** What random passwords turn out to be. */
  readonly generatedSecret?: string;
  /** The state that an earlier run left, by URN; none for a first run. */
  readonly state?: Readonly<Record<string, KnownResource>>;
}

const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * Runs a program as a preview without engine, plugins or network, and returns all that it declares, in order of
 * declaration. Rejects with the program's own error, or when it declares a type that has no answer here.
 * One at a time: Pulumi's runtime is global.
 */
export async function declaredGraph(
  program: () => unknown,
  options: GraphOptions,
): Promise<DeclaredResource[]> {
  const strangers: string[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: (resource) => {
        if (!isKnownType(resource.type)) strangers.push(`${resource.type} ${resource.name}`);
        return answer(resource, options);
      },
      call: ({ token }) => {
        if (token === "pulumi:pulumi:readStackResourceOutputs")
          return { outputs: options.state ?? {} };
        strangers.push(`call of ${token}`);
        return {};
      },
    },
    "lifeline",
    options.stack,
    true,
    "organization",
  );
  pulumi.runtime.setAllConfig({ ...options.config }, [...(options.secretKeys ?? [])]);
  const requests = recordRequests();
  // Caught inside: Pulumi would reject every output of the stack as well, and nobody waits for those.
  const failures: unknown[] = [];
  const tracesBack = withoutTraces();
  try {
    await pulumi.runtime.runInPulumiStack(async () => {
      try {
        return await program();
      } catch (error) {
        failures.push(error);
      }
    });
    await pulumi.runtime.disconnect();
  } finally {
    tracesBack();
  }
  if (failures.length > 0) throw failures[0];
  if (strangers.length > 0) {
    throw new Error(
      `no answer for ${strangers.join(", ")}. Fix: add the type to rehearsal/graph.ts, if the program may declare it.`,
    );
  }
  return requests.map(declared);
}

/**
 * Pulumi takes a stack trace of every promise and resource, which takes longer than all the rest: those of promises are
 * not taken, the others not mapped back to sources. An error that the program throws is written out later, whole.
 * @returns what ends it
 */
function withoutTraces(): () => void {
  const { prepareStackTrace } = Error as { prepareStackTrace?: unknown };
  const { debuggablePromise } = pulumiPromises;
  Error.prepareStackTrace = (error) => String(error);
  pulumiPromises.debuggablePromise = (...args) => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return debuggablePromise(...args);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  };
  return () => {
    Object.assign(Error, { prepareStackTrace });
    Object.assign(pulumiPromises, { debuggablePromise });
  };
}

/** Not declared by Pulumi, whose own modules call it here. */
const pulumiPromises = debuggable as { debuggablePromise: (...args: unknown[]) => unknown };

type RegisterHook = (request: unknown, reply: (error: null, response: object) => void) => void;

type Reply = (error: Error | null, response: { getUrn(): string } | undefined) => void;

interface Recorded {
  readonly request: RegisterResourceRequest;
  urn: string;
}

/** Mocks see inputs only; parents, protection and order are in the requests to the monitor. */
function recordRequests(): Recorded[] {
  const recorded: Recorded[] = [];
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource: (request: RegisterResourceRequest, reply: Reply) => unknown;
    registerErrorHook: RegisterHook;
    registerResourceHook: RegisterHook;
  };
  // Nothing is made here, and nothing fails: a hook is taken, and never called.
  const take: RegisterHook = (_, reply) => {
    reply(null, {});
  };
  Object.assign(monitor, { registerErrorHook: take, registerResourceHook: take });
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, reply) => {
    const entry: Recorded = { request, urn: "" };
    recorded.push(entry);
    return register(request, (error, response) => {
      entry.urn = response?.getUrn() ?? "";
      reply(error, response);
    });
  };
  return recorded;
}

function declared({ request, urn }: Recorded): DeclaredResource {
  const inputs = (request.getObject()?.toJavaScript() ?? {}) as Record<string, unknown>;
  const parent = request.getParent();
  const provider = request.getProvider();
  const createTimeout = request.getCustomtimeouts()?.getCreate() ?? "";
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    inputs: mask(inputs) as Record<string, unknown>,
    options: {
      ...(parent !== "" && { parent }),
      dependencies: request.getDependenciesList(),
      // `<urn>::<id>`; the id says nothing before a run.
      ...(provider !== "" && { provider: provider.split("::").slice(0, -1).join("::") }),
      protect: request.getProtect() === true,
      retainOnDelete: request.getRetainondelete() === true,
      deleteBeforeReplace: request.getDeletebeforereplace(),
      ignoreChanges: request.getIgnorechangesList(),
      replaceOnChanges: request.getReplaceonchangesList(),
      aliases: [
        ...request.getAliasurnsList().map((former) => ({ urn: former })),
        ...request.getAliasesList().map(declaredAlias),
      ],
      ...(createTimeout !== "" && { createTimeout }),
      errorHooks: request.getHooks()?.getOnErrorList() ?? [],
    },
  };
}

function declaredAlias(alias: Alias): DeclaredAlias {
  const spec = alias.getSpec();
  if (spec === undefined) return { urn: alias.getUrn() };
  const name = spec.getName();
  const type = spec.getType();
  const parent = spec.getParenturn();
  return {
    ...(name !== "" && { name }),
    ...(type !== "" && { type }),
    ...(spec.getNoparent() ? { parent: "" } : parent !== "" && { parent }),
  };
}

const isKnownType = (type: string): boolean =>
  /^(lifeline|pulumi|kubernetes|aws|random|command):/.test(type);

/** What the resource would be after a run, as far as the program asks. */
function answer(
  { type, name, inputs }: pulumi.runtime.MockResourceArgs,
  { unknown = false, generatedSecret = "generated" }: GraphOptions,
): pulumi.runtime.MockResourceResult {
  const given = inputs as Record<string, unknown>;
  if (!unknown) return { id: `${name}-id`, state: { ...given, ...outputs(type, generatedSecret) } };
  // Providers have to be configured before anything can be asked at all.
  if (type.startsWith("pulumi:")) return { id: `${name}-id`, state: given };
  const hidden = Object.keys({ ...given, ...outputs(type, "") }).map((key) => [key, unknownValue]);
  return { id: "", state: Object.fromEntries(hidden) as Record<string, unknown> };
}

function outputs(type: string, generatedSecret: string): Record<string, unknown> {
  switch (type) {
    case "random:index/randomPassword:RandomPassword":
      return { result: pulumi.secret(generatedSecret) };
    case "random:index/randomId:RandomId":
      return { hex: "00000000" };
    case "command:local:Command":
      // The one command whose answer the program reads makes an authority.
      return {
        stdout: pulumi.secret(
          JSON.stringify({ certificate: "[certificate]", privateKey: generatedSecret }),
        ),
      };
    case "kubernetes:gateway.networking.k8s.io/v1:Gateway":
      return { status: { addresses: [{ type: "Hostname", value: "gateway.invalid" }] } };
    case "aws:kms/key:Key":
      return { arn: "[arn of the key]", keyId: "[id of the key]" };
    case "aws:s3/bucket:Bucket":
      return { arn: "[arn of the bucket]" };
    default:
      return {};
  }
}
