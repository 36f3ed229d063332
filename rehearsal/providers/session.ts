import grpc from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import type structpb from "google-protobuf/google/protobuf/struct_pb.js";
import { decode, type PropertyMap } from "./properties.ts";
import { Redaction } from "./redaction.ts";
import type { Connection, Provider, StandIn } from "./stand-in.ts";

/** One engine connection: one configured provider, its log and the secrets it has seen. */
export class Session implements Connection {
  readonly provider: Provider;
  readonly #redaction = new Redaction();
  readonly #cancellation = new AbortController();
  #engine: engineService.EngineClient | undefined;

  constructor(standIn: StandIn) {
    this.provider = standIn.open(this);
  }

  get cancelled(): AbortSignal {
    return this.#cancellation.signal;
  }

  attach(engineAddress: string): void {
    this.#engine?.close();
    this.#engine = new engineService.EngineClient(engineAddress, grpc.credentials.createInsecure());
  }

  /** Cancelled work ends at its next step with an error. */
  cancel(): void {
    this.#cancellation.abort(new Error("cancelled by the engine"));
  }

  close(): void {
    this.cancel();
    this.#engine?.close();
  }

  decode(struct: structpb.Struct | undefined): PropertyMap {
    const map = decode(struct);
    this.#redaction.learn(map);
    return map;
  }

  redact(message: string): string {
    return this.#redaction.apply(message);
  }

  log(severity: "info" | "warning", message: string, urn: string, passing = false): void {
    const request = new engine.LogRequest()
      .setSeverity(severity === "info" ? engine.LogSeverity.INFO : engine.LogSeverity.WARNING)
      .setMessage(this.redact(message))
      .setUrn(urn)
      .setEphemeral(passing);
    // A lost status line must not fail the work it describes.
    this.#engine?.log(request, () => undefined);
  }
}
