import grpc, { type ServiceError } from "@grpc/grpc-js";
import providerpb from "@pulumi/pulumi/proto/provider_pb.js";
import statuspb from "@pulumi/pulumi/proto/status_pb.js";
import anypb from "google-protobuf/google/protobuf/any_pb.js";
import { encode } from "./properties.ts";
import type { Session } from "./session.ts";
import { ResourceInitFailed } from "./stand-in.ts";

/**
 * The error as the engine understands it. The code is one the engine takes for "nothing half
 * done"; with Unknown it would keep a pending operation in the state. A resource that exists but
 * is not ready travels as details, so that the engine records it.
 */
export function toServiceError(error: unknown, session: Session): Partial<ServiceError> {
  const message = session.redact(describe(error));
  const code = grpc.status.FAILED_PRECONDITION;
  if (!(error instanceof ResourceInitFailed)) return { code, details: message };

  const { id, inputs, outputs } = error.resource;
  const partial = new providerpb.ErrorResourceInitFailed()
    .setId(id)
    .setInputs(encode(inputs))
    .setProperties(encode(outputs))
    .setReasonsList([message]);
  const detail = new anypb.Any();
  detail.pack(partial.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statuspb.Status().setCode(code).setMessage(message).setDetailsList([detail]);
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code, details: message, metadata };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A TypeError is our defect: without its place it could not be found.
  return error instanceof TypeError ? (error.stack ?? error.message) : error.message;
}
