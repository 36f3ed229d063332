import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import * as pulumi from "@pulumi/pulumi";

import { authoritySecret, databaseService, databaseTls } from "./lib/database.ts";
import type { Scope } from "./lib/labels.ts";
import { metadata } from "./lib/labels.ts";
import type { Entrance } from "./lib/peering.ts";

export interface DatabaseCertificatesArgs {
  readonly scope: Scope;
  /** Where the other region finds this database. */
  readonly entrance: Entrance;
  /** Headless Service that names the members. */
  readonly membersService: string;
}

const untilReady = { "pulumi.com/waitFor": "condition=Ready" };

/**
 * Keeps the database's certificate valid: by it nodes and clients know this region's database, and the other region knows
 * its client. Defines an Issuer of the private authority and a Certificate. cert-manager and the authority have to exist.
 */
export class DatabaseCertificates extends pulumi.ComponentResource {
  constructor(
    name: string,
    args: DatabaseCertificatesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("lifeline:postgres:DatabaseCertificates", name, args, opts);
    const { scope } = args;
    const issuer = new CustomResource(
      `${name}-issuer`,
      {
        apiVersion: "cert-manager.io/v1",
        kind: "Issuer",
        metadata: { ...metadata(scope, "database", authoritySecret), annotations: untilReady },
        spec: { ca: { secretName: authoritySecret } },
      },
      { parent: this },
    );
    new CustomResource(
      `${name}-certificate`,
      {
        apiVersion: "cert-manager.io/v1",
        kind: "Certificate",
        metadata: { ...metadata(scope, "database", databaseTls), annotations: untilReady },
        spec: {
          secretName: databaseTls,
          // Postgres and pgBackRest know a member by this name.
          commonName: "database",
          ...subjectNames(args),
          issuerRef: { group: "cert-manager.io", kind: "Issuer", name: authoritySecret },
          usages: ["digital signature", "server auth", "client auth"],
          privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
          duration: "2160h0m0s",
          renewBefore: "1080h0m0s",
        },
      },
      { parent: this, dependsOn: [issuer] },
    );
    this.registerOutputs({});
  }
}

/** Every name that anybody reaches the database by. */
function subjectNames({ scope, entrance, membersService }: DatabaseCertificatesArgs) {
  const { namespace } = scope;
  const entrances = [entrance.host, ...(entrance.apiHost === undefined ? [] : [entrance.apiHost])];
  return {
    dnsNames: [
      "localhost",
      databaseService,
      `${databaseService}.${namespace}`,
      `${databaseService}.${namespace}.svc`,
      `*.${membersService}.${namespace}.svc`,
      `*.${membersService}.${namespace}.svc.cluster.local`,
      ...entrances,
    ],
  };
}
