import { isIP } from "node:net";

import { Record as DnsRecord } from "@pulumi/aws/route53/record.js";
import * as pulumi from "@pulumi/pulumi";

export interface RegionEndpointArgs {
  readonly hostedZoneId: string;
  /** DNS name that always means this region. */
  readonly endpoint: string;
  /** IP address or DNS name of the region's Gateway. */
  readonly address: pulumi.Input<string>;
  /** How long resolvers may keep an answer. */
  readonly ttlSeconds: number;
}

/** Gives a region's Gateway a name of its own, which neither its load balancer nor a failover changes. Defines a record. */
export class RegionEndpoint extends pulumi.ComponentResource {
  constructor(name: string, args: RegionEndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:dns:RegionEndpoint", name, args, opts);
    const type = pulumi.output(args.address).apply(recordType);

    new DnsRecord(
      name,
      {
        zoneId: args.hostedZoneId,
        name: args.endpoint,
        type,
        ttl: args.ttlSeconds,
        records: [args.address],
      },
      // A change from address to name replaces the record; both cannot exist under one name.
      { parent: this, deleteBeforeReplace: true },
    );
    this.registerOutputs({});
  }
}

function recordType(address: string) {
  switch (isIP(address)) {
    case 4:
      return "A";
    case 6:
      return "AAAA";
    default:
      return "CNAME";
  }
}
