import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ServiceError } from "@grpc/grpc-js";
import { credentials } from "@grpc/grpc-js";
import analyzerGrpc from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import analyzerProto from "@pulumi/pulumi/proto/analyzer_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import type { Resource } from "./resources.ts";

type Diagnostic = analyzerProto.AnalyzeDiagnostic.AsObject;

const path = (fromHere: string) => fileURLToPath(new URL(fromHere, import.meta.url));
const packFolder = path("../../../policies");
const runner = path("../../../rehearsal/engine-bin/pulumi-analyzer-policy-nodejs");

/** A text that a preview does not know, as the engine writes it. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A secret, as the engine writes it. */
export function marked(value: unknown): Record<string, unknown> {
  return {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    value,
  };
}

/** A resource of a whole stack, for the rules that look at more than one. */
export interface StackResource extends Resource {
  readonly urn: string;
  /** URNs of the resources that this one refers to. */
  readonly dependencies: readonly string[];
}

/** The pack, served by the process in which the engine would run it. */
export interface Analyzer {
  info(): Promise<analyzerProto.AnalyzerInfo.AsObject>;
  /** What the pack would change. */
  remediations(resource: Resource): Promise<analyzerProto.Remediation.AsObject[]>;
  /** What the rules say before a resource is touched. */
  judge(resource: Resource): Promise<Diagnostic[]>;
  /** What the rules say about a stack as a whole. */
  judgeStack(resources: readonly StackResource[]): Promise<Diagnostic[]>;
  stop(): Promise<void>;
}

/** Starts our pack as the engine does. @throws what the process said if it ends instead. */
export async function startAnalyzer(): Promise<Analyzer> {
  const child = spawn(runner, ["127.0.0.1:0", "."], {
    cwd: packFolder,
    // Jest's own flags must not reach the pack.
    env: { ...process.env, LIFELINE_NODE: process.execPath, NODE_OPTIONS: "" },
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const port = await Promise.race([
    once(child.stdout, "data").then(([chunk]) => String(chunk).trim()),
    once(child, "exit").then(() => Promise.reject(new Error(`policy pack ended: ${errors}`))),
  ]);
  const client = new analyzerGrpc.AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());

  const remediations = async (resource: Resource) => {
    const response = await answer<analyzerProto.RemediateResponse>((done) =>
      client.remediate(analyzeRequest(resource), done),
    );
    return response.toObject().remediationsList;
  };
  return {
    info: async () => {
      const response = await answer<analyzerProto.AnalyzerInfo>((done) =>
        client.getAnalyzerInfo(new emptyProto.Empty(), done),
      );
      return response.toObject();
    },
    remediations,
    judge: async (resource) => {
      await remediations(resource);
      const response = await answer<analyzerProto.AnalyzeResponse>((done) =>
        client.analyze(analyzeRequest(resource), done),
      );
      return response.toObject().diagnosticsList;
    },
    judgeStack: async (resources) => {
      const request = new analyzerProto.AnalyzeStackRequest();
      request.setResourcesList(resources.map(analyzerResource));
      const response = await answer<analyzerProto.AnalyzeResponse>((done) =>
        client.analyzeStack(request, done),
      );
      return response.toObject().diagnosticsList;
    },
    stop: async () => {
      client.close();
      child.kill();
      await once(child, "exit");
    },
  };
}

function answer<T>(call: (done: (error: ServiceError | null, response: T) => void) => void) {
  return new Promise<T>((resolve, reject) => {
    call((error, response) => {
      if (error) reject(error);
      else resolve(response);
    });
  });
}

function analyzeRequest(resource: Resource): analyzerProto.AnalyzeRequest {
  const request = new analyzerProto.AnalyzeRequest();
  describe(request, resource);
  request.setUrn(`urn:pulumi:test::test::${resource.type}::${resource.name}`);
  return request;
}

function analyzerResource(resource: StackResource): analyzerProto.AnalyzerResource {
  const request = new analyzerProto.AnalyzerResource();
  describe(request, resource);
  request.setUrn(resource.urn);
  request.setDependenciesList([...resource.dependencies]);
  return request;
}

function describe(
  request: analyzerProto.AnalyzeRequest | analyzerProto.AnalyzerResource,
  { type, name, props, protect }: Resource,
): void {
  const options = new analyzerProto.AnalyzerResourceOptions();
  options.setProtect(protect ?? false);
  options.setCustomtimeouts(new analyzerProto.AnalyzerResourceOptions.CustomTimeouts());
  request.setOptions(options);
  request.setType(type);
  request.setName(name);
  request.setProperties(
    structProto.Struct.fromJavaScript(props as Record<string, JavaScriptValue>),
  );
}
