import { HealthCheck } from "@pulumi/aws/route53/healthCheck.js";
import { Record as DnsRecord } from "@pulumi/aws/route53/record.js";
import * as pulumi from "@pulumi/pulumi";

export interface FailoverEndpoint {
  /** AWS region, which names the record; it never changes. */
  readonly region: string;
  /** DNS name of the region's load balancer. */
  readonly endpoint: string;
}

export interface FailoverRecordsArgs {
  readonly hostedZoneId: string;
  /** Public DNS name of the product. */
  readonly host: string;
  /** How long resolvers may keep an answer. */
  readonly ttlSeconds: number;
  /** In the order of preference while both or neither report themselves primary. */
  readonly endpoints: readonly [FailoverEndpoint, FailoverEndpoint];
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Sends users to the region whose database accepts writes, without a change to Route 53 when that region changes.
 * Defines a health check and a record per region. Which region is active is no argument here: the checks ask each region,
 * and Route 53's answers go on while its control plane is away.
 */
export class FailoverRecords extends pulumi.ComponentResource {
  constructor(name: string, args: FailoverRecordsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:dns:FailoverRecords", name, args, opts);
    const { hostedZoneId, host, ttlSeconds, endpoints, tags } = args;

    for (const [index, { region, endpoint }] of endpoints.entries()) {
      const check = new HealthCheck(
        `${name}-${region}`,
        {
          type: "HTTPS",
          fqdn: endpoint,
          port: 443,
          enableSni: true,
          // 200 only where the database accepts writes.
          resourcePath: "/primary",
          requestInterval: 10,
          failureThreshold: 3,
          tags: { ...tags, Name: `${host} primary in ${region}` },
        },
        { parent: this },
      );
      new DnsRecord(
        `${name}-${region}`,
        {
          zoneId: hostedZoneId,
          name: host,
          type: "CNAME",
          ttl: ttlSeconds,
          records: [endpoint],
          setIdentifier: region,
          failoverRoutingPolicies: [{ type: index === 0 ? "PRIMARY" : "SECONDARY" }],
          healthCheckId: check.id,
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
