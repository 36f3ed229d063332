import grpc, { type handleUnaryCall, type ServerUnaryCall } from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pluginpb from "@pulumi/pulumi/proto/plugin_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import { createRequire } from "node:module";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import { toServiceError } from "./errors.ts";
import { encode } from "./properties.ts";
import { Session } from "./session.ts";
import { unsupported, type StandIn } from "./stand-in.ts";
import { checkResponse, diffResponse, optional, secondsOrDefault, subject } from "./wire.ts";

export interface Served {
  readonly port: number;
  /** Cancels what is running and frees the port. */
  stop(): Promise<void>;
}

/** Serves a stand-in on a free port of 127.0.0.1, for any number of engines, one after the other. */
export async function serve(standIn: StandIn): Promise<Served> {
  const sessions = new Map<string, Session>();
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  server.addService(services.ResourceProviderService, implement(standIn, sessions));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    stop: () => {
      for (const session of sessions.values()) session.close();
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

function implement(
  standIn: StandIn,
  sessions: Map<string, Session>,
): Record<keyof services.IResourceProviderServer, grpc.UntypedHandleCall> {
  // Requests do not name the provider they are for; the engine's connection does.
  const open = (peer: string) => {
    sessions.get(peer)?.close();
    const session = new Session(standIn);
    sessions.set(peer, session);
    return session;
  };
  const unary =
    <Request, Response>(
      work: (request: Request, session: Session) => Promise<Response> | Response,
    ): handleUnaryCall<Request, Response> =>
    (call: ServerUnaryCall<Request, Response>, reply) => {
      const session = sessions.get(call.getPeer()) ?? open(call.getPeer());
      new Promise<Response>((resolve) => resolve(work(call.request, session))).then(
        (response) => reply(null, response),
        (error: unknown) => reply(toServiceError(error, session)),
      );
    };
  const refuse = (what: string) =>
    unary<unknown, never>(() => {
      throw unsupported(standIn.name, what);
    });

  return {
    handshake: (call: ServerUnaryCall<pb.ProviderHandshakeRequest, unknown>, reply: Reply) => {
      open(call.getPeer()).attach(call.request.getEngineAddress());
      reply(
        null,
        new pb.ProviderHandshakeResponse().setAcceptSecrets(true).setAcceptResources(true),
      );
    },
    attach: unary((request: pluginpb.PluginAttach, session) => {
      session.attach(request.getAddress());
      return new emptypb.Empty();
    }),
    getPluginInfo: unary(() => new pluginpb.PluginInfo().setVersion(sdkVersion(standIn.name))),
    cancel: unary((_: emptypb.Empty, session) => {
      session.cancel();
      return new emptypb.Empty();
    }),
    checkConfig: unary((request: pb.CheckRequest, session) => {
      const news = session.decode(request.getNews());
      return checkResponse({ inputs: session.provider.checkConfig?.(news) ?? news });
    }),
    diffConfig: unary((request: pb.DiffRequest, session) => {
      const olds = session.decode(request.getOldInputs() ?? request.getOlds());
      const news = session.decode(request.getNews());
      return diffResponse(session.provider.diffConfig?.(olds, news) ?? { differences: [] });
    }),
    configure: unary(async (request: pb.ConfigureRequest, session) => {
      await session.provider.configure(session.decode(request.getArgs()));
      return new pb.ConfigureResponse()
        .setAcceptsecrets(true)
        .setSupportspreview(true)
        .setAcceptresources(true);
    }),
    check: unary(async (request: pb.CheckRequest, session) => {
      const olds = optional(session.decode(request.getOlds()));
      const news = session.decode(request.getNews());
      const seed = request.getRandomseed_asU8();
      return checkResponse(await session.provider.check({ ...subject(request), olds, news, seed }));
    }),
    diff: unary(async (request: pb.DiffRequest, session) =>
      diffResponse(
        await session.provider.diff({
          ...subject(request),
          id: request.getId(),
          oldInputs: session.decode(request.getOldInputs()),
          oldOutputs: session.decode(request.getOlds()),
          news: session.decode(request.getNews()),
        }),
      ),
    ),
    create: unary(async (request: pb.CreateRequest, session) => {
      const { id, outputs } = await session.provider.create({
        ...subject(request),
        inputs: session.decode(request.getProperties()),
        preview: request.getPreview(),
        timeoutSeconds: secondsOrDefault(request.getTimeout()),
      });
      return new pb.CreateResponse()
        .setId(request.getPreview() ? "" : id)
        .setProperties(encode(outputs));
    }),
    read: unary(async (request: pb.ReadRequest, session) => {
      const found = await session.provider.read({
        ...subject(request),
        id: request.getId(),
        inputs: optional(session.decode(request.getInputs())),
        outputs: session.decode(request.getProperties()),
      });
      if (found === undefined) return new pb.ReadResponse();
      return new pb.ReadResponse()
        .setId(found.id)
        .setInputs(encode(found.inputs))
        .setProperties(encode(found.outputs));
    }),
    update: unary(async (request: pb.UpdateRequest, session) => {
      const outputs = await session.provider.update({
        ...subject(request),
        id: request.getId(),
        oldInputs: session.decode(request.getOldInputs()),
        oldOutputs: session.decode(request.getOlds()),
        inputs: session.decode(request.getNews()),
        preview: request.getPreview(),
        timeoutSeconds: secondsOrDefault(request.getTimeout()),
      });
      return new pb.UpdateResponse().setProperties(encode(outputs));
    }),
    delete: unary(async (request: pb.DeleteRequest, session) => {
      await session.provider.delete({
        ...subject(request),
        id: request.getId(),
        inputs: session.decode(request.getOldInputs()),
        outputs: session.decode(request.getProperties()),
        timeoutSeconds: secondsOrDefault(request.getTimeout()),
      });
      return new emptypb.Empty();
    }),
    invoke: unary(async (request: pb.InvokeRequest, session) => {
      const token = request.getTok();
      const result = await session.provider.invoke?.(token, session.decode(request.getArgs()));
      if (result === undefined) throw unsupported(standIn.name, `function ${token}`);
      return new pb.InvokeResponse().setReturn(encode(result));
    }),
    construct: unary((request: pb.ConstructRequest) => {
      throw unsupported(standIn.name, request.getType());
    }),
    call: unary((request: pb.CallRequest) => {
      throw unsupported(standIn.name, `method ${request.getTok()}`);
    }),
    getSchema: refuse("schema"),
    parameterize: refuse("parameters"),
    getMapping: unary(() => new pb.GetMappingResponse()),
    getMappings: unary(() => new pb.GetMappingsResponse()),
    list: (call: grpc.ServerWritableStream<unknown, unknown>) => {
      call.destroy(unsupported(standIn.name, "listing"));
    },
  };
}

/** The plugin version that the SDK asks for: what a stand-in stands in for. */
function sdkVersion(name: string): string {
  const { version } = createRequire(import.meta.url)(`@pulumi/${name}/package.json`) as {
    version: string;
  };
  return version;
}

type Reply = (error: null, response: pb.ProviderHandshakeResponse) => void;
