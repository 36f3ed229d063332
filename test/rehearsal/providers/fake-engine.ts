import { setTimeout as sleep } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type enginepb from "@pulumi/pulumi/proto/engine_pb.js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import statuspb from "@pulumi/pulumi/proto/status_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import { decode, encode, type PropertyMap } from "../../../rehearsal/providers/properties.ts";

const seesTimeoutMs = 20_000;

interface Options {
  /** Property values that configure the provider. */
  readonly config?: PropertyMap;
}

interface Operation {
  readonly type: string;
  readonly name?: string;
  readonly preview?: boolean;
  readonly timeoutSeconds?: number;
}

/** Talks to a provider as the engine does, over real gRPC, and keeps what it logs. */
export class FakeEngine {
  readonly logged: string[] = [];
  readonly #client: services.ResourceProviderClient;
  readonly #server = new grpc.Server();

  private constructor(port: number) {
    const address = `127.0.0.1:${port}`;
    // A connection of its own: by it the provider tells engines apart.
    const options = { "grpc.use_local_subchannel_pool": 1 };
    const credentials = grpc.credentials.createInsecure();
    this.#client = new services.ResourceProviderClient(address, credentials, options);
  }

  /** Waits for a logged line: the provider does not wait for its log to be taken. */
  async sees(text: string): Promise<void> {
    const deadline = Date.now() + seesTimeoutMs;
    while (!this.logged.join("\n").includes(text)) {
      if (Date.now() > deadline) throw new Error(`never logged "${text}"`);
      await sleep(10);
    }
  }

  /** @param attachment `name:port,…` as in PULUMI_DEBUG_PROVIDERS */
  static async attach(attachment: string, name: string, options: Options = {}) {
    const port = new Map(
      attachment.split(",").map((pair) => [pair.split(":")[0], Number(pair.split(":")[1])]),
    ).get(name);
    const engine = new FakeEngine(port ?? 0);
    const address = await engine.#listen();
    const handshake = new pb.ProviderHandshakeRequest().setEngineAddress(address);
    await engine.#call<pb.ProviderHandshakeResponse>((done) =>
      engine.#client.handshake(handshake, done),
    );
    const configuration = new pb.ConfigureRequest().setArgs(encode(options.config ?? {}));
    await engine.#call<pb.ConfigureResponse>((done) =>
      engine.#client.configure(configuration, done),
    );
    return engine;
  }

  async check({ type, name = "it" }: Operation, news: PropertyMap, olds: PropertyMap = {}) {
    const request = new pb.CheckRequest()
      .setUrn(urnOf(type, name))
      .setNews(encode(news))
      .setOlds(encode(olds));
    const response = await this.#call<pb.CheckResponse>((done) =>
      this.#client.check(request, done),
    );
    return {
      inputs: decode(response.getInputs()),
      failures: response.getFailuresList().map((failure) => failure.toObject()),
    };
  }

  async diff(
    { type, name = "it" }: Operation,
    olds: PropertyMap,
    news: PropertyMap,
    outputs: PropertyMap = olds,
  ) {
    const request = new pb.DiffRequest()
      .setUrn(urnOf(type, name))
      .setOldInputs(encode(olds))
      .setOlds(encode(outputs))
      .setNews(encode(news));
    return plan(await this.#call<pb.DiffResponse>((done) => this.#client.diff(request, done)));
  }

  async diffConfig(type: string, olds: PropertyMap, news: PropertyMap) {
    const request = new pb.DiffRequest()
      .setUrn(urnOf(type, "provider"))
      .setOldInputs(encode(olds))
      .setNews(encode(news));
    return plan(
      await this.#call<pb.DiffResponse>((done) => this.#client.diffConfig(request, done)),
    );
  }

  async create(
    { type, name = "it", preview = false, timeoutSeconds = 0 }: Operation,
    inputs: PropertyMap,
  ) {
    const request = new pb.CreateRequest()
      .setUrn(urnOf(type, name))
      .setPreview(preview)
      .setTimeout(timeoutSeconds)
      .setProperties(encode(inputs));
    const response = await this.#call<pb.CreateResponse>((done) =>
      this.#client.create(request, done),
    );
    return { id: response.getId(), outputs: decode(response.getProperties()) };
  }

  async update(
    { type, name = "it", preview = false, timeoutSeconds = 0 }: Operation,
    olds: { id: string; inputs: PropertyMap; outputs: PropertyMap },
    inputs: PropertyMap,
  ) {
    const request = new pb.UpdateRequest()
      .setUrn(urnOf(type, name))
      .setId(olds.id)
      .setPreview(preview)
      .setTimeout(timeoutSeconds)
      .setOldInputs(encode(olds.inputs))
      .setOlds(encode(olds.outputs))
      .setNews(encode(inputs));
    const response = await this.#call<pb.UpdateResponse>((done) =>
      this.#client.update(request, done),
    );
    return decode(response.getProperties());
  }

  async read(
    { type, name = "it" }: Operation,
    id: string,
    inputs: PropertyMap,
    outputs: PropertyMap,
  ) {
    const request = new pb.ReadRequest()
      .setUrn(urnOf(type, name))
      .setId(id)
      .setInputs(encode(inputs))
      .setProperties(encode(outputs));
    const response = await this.#call<pb.ReadResponse>((done) => this.#client.read(request, done));
    return {
      id: response.getId(),
      inputs: decode(response.getInputs()),
      outputs: decode(response.getProperties()),
    };
  }

  async delete(
    { type, name = "it", timeoutSeconds = 0 }: Operation,
    { id, inputs, outputs }: { id: string; inputs: PropertyMap; outputs: PropertyMap },
  ) {
    const request = new pb.DeleteRequest()
      .setUrn(urnOf(type, name))
      .setId(id)
      .setTimeout(timeoutSeconds)
      .setOldInputs(encode(inputs))
      .setProperties(encode(outputs));
    await this.#call<emptypb.Empty>((done) => this.#client.delete(request, done));
  }

  async invoke(token: string, args: PropertyMap) {
    const request = new pb.InvokeRequest().setTok(token).setArgs(encode(args));
    const response = await this.#call<pb.InvokeResponse>((done) =>
      this.#client.invoke(request, done),
    );
    return decode(response.getReturn());
  }

  async cancel() {
    await this.#call<emptypb.Empty>((done) => this.#client.cancel(new emptypb.Empty(), done));
  }

  close() {
    this.#client.close();
    this.#server.forceShutdown();
  }

  #listen(): Promise<string> {
    this.#server.addService(engineService.EngineService, {
      log: ((call, reply) => {
        this.logged.push(call.request.getMessage());
        reply(null, new emptypb.Empty());
      }) satisfies grpc.handleUnaryCall<enginepb.LogRequest, emptypb.Empty>,
    });
    return new Promise((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      this.#server.bindAsync("127.0.0.1:0", credentials, (error, port) =>
        error === null ? resolve(`127.0.0.1:${port}`) : reject(error),
      );
    });
  }

  #call<Response>(
    start: (done: (error: grpc.ServiceError | null, response: Response) => void) => unknown,
  ) {
    return new Promise<Response>((resolve, reject) => {
      start((error, response) => (error === null ? resolve(response) : reject(error)));
    });
  }
}

/** What an error says about a resource that exists but is not ready; undefined for other errors. */
export function initFailure(error: unknown) {
  const [details] = (error as grpc.ServiceError).metadata.get("grpc-status-details-bin");
  if (!(details instanceof Buffer)) return undefined;
  const [any] = statuspb.Status.deserializeBinary(details).getDetailsList();
  const partial = any?.unpack(
    (bytes) => pb.ErrorResourceInitFailed.deserializeBinary(bytes),
    "pulumirpc.ErrorResourceInitFailed",
  );
  if (partial === null || partial === undefined) return undefined;
  return {
    id: partial.getId(),
    inputs: decode(partial.getInputs()),
    outputs: decode(partial.getProperties()),
    reasons: partial.getReasonsList(),
  };
}

function plan(response: pb.DiffResponse) {
  return {
    changed: response.getChanges() === pb.DiffResponse.DiffChanges.DIFF_SOME,
    paths: response
      .getDetaileddiffMap()
      .getEntryList()
      .map(([path]) => path),
    replaces: response.getReplacesList(),
    deleteBeforeReplace: response.getDeletebeforereplace(),
  };
}

function urnOf(type: string, name: string): string {
  return `urn:pulumi:test::lifeline::${type}::${name}`;
}
