import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import * as pulumi from "@pulumi/pulumi";

import type { Scope } from "./lib/labels.ts";
import { metadata } from "./lib/labels.ts";
import { releaseRecordObject, releaseRecordType } from "./lib/release-record-type.ts";

export interface ReleaseRecordArgs {
  readonly scope: Scope;
  /** Version that this run brings out, or that runs already. */
  readonly release: string;
  /** What happened to the product up to this run, as text. */
  readonly record: string;
}

/**
 * Remembers each release that a run began to bring out, before anything of it starts, so that the next run knows where it
 * stands even when this one fails. Defines a ConfigMap per region, for people and for the day on which the engine's state
 * is lost; the program itself reads the component's output from the state, which needs no region.
 */
export class ReleaseRecord extends pulumi.ComponentResource {
  /** The record as text. */
  public readonly record: pulumi.Output<string>;

  constructor(name: string, args: ReleaseRecordArgs, opts?: pulumi.ComponentResourceOptions) {
    super(releaseRecordType, name, args, opts);
    const { scope, release, record } = args;
    new ConfigMap(
      name,
      {
        metadata: metadata(scope, "foundation", releaseRecordObject),
        data: { release, "record.json": record },
      },
      { parent: this },
    );
    this.record = pulumi.output(record);
    this.registerOutputs({ record: this.record });
  }
}
