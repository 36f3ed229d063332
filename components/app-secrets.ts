import { createHmac } from "node:crypto";

import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import * as pulumi from "@pulumi/pulumi";

import { databasePassword } from "./lib/database.ts";
import { heard, timeoutsOf } from "./lib/gate.ts";
import type { Component, Scope } from "./lib/labels.ts";
import { metadata } from "./lib/labels.ts";
import { jwtSecret, pullSecret } from "./lib/secret-files.ts";

/** Values made by this program; all secret. */
export interface GeneratedSource {
  readonly mode: "generated";
  readonly postgresPassword: pulumi.Input<string>;
  readonly jwtSecret: pulumi.Input<string>;
  /** Content of a Docker `config.json`; the product's images are public without it. */
  readonly registryConfig?: pulumi.Input<string>;
}

/** Values kept in AWS Secrets Manager, read by the External Secrets operator. */
export interface ExternalSource {
  readonly mode: "external";
  /** AWS region whose Secrets Manager is asked: the cluster's own, so that the other region's loss changes nothing. */
  readonly region: string;
  /** Role that may read the three secrets, assumed by the namespace's own service account. */
  readonly roleArn: string;
  /** Longest that reading one may take. */
  readonly deadlineSeconds: number;
  readonly names: { readonly postgres: string; readonly app: string; readonly registry: string };
}

export type SecretSource = GeneratedSource | ExternalSource;

export interface AppSecretsArgs {
  readonly scope: Scope;
  readonly source: SecretSource;
  /** Version of the token key that the release pins; the current one without it. */
  readonly appVersion?: string;
}

/** A Secret that pods read, whoever writes it. */
interface AppSecret {
  /** Name in the program, the same for every version. */
  readonly logicalName: string;
  readonly name: string;
  readonly key: string;
  /** Of the value, when the release pins one. */
  readonly version?: string;
  readonly component: Component;
  readonly type: "Opaque" | "kubernetes.io/dockerconfigjson";
  /** Whether a changed remote value follows by itself; else a person brings it in, at a moment of their choice. */
  readonly followsRemote: boolean;
}

const postgres: AppSecret = {
  logicalName: databasePassword.secret,
  name: databasePassword.secret,
  key: databasePassword.key,
  component: "database",
  type: "Opaque",
  // The database and its clients would learn a new password at different moments, and be apart in between.
  followsRemote: false,
};
const registry: AppSecret = {
  logicalName: pullSecret,
  name: pullSecret,
  key: ".dockerconfigjson",
  component: "access",
  type: "kubernetes.io/dockerconfigjson",
  // Read at each pull, and short-lived at some registries.
  followsRemote: true,
};

/**
 * Puts the database password, the token key and the registry credentials where pods find them, by the same names in both
 * modes. Defines Secrets, or a SecretStore with an ExternalSecret for each, waited for until they have their values. What
 * running pods hold changes only when a person says so (docs/secrets.md).
 */
export class AppSecrets extends pulumi.ComponentResource {
  constructor(name: string, args: AppSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    // Values stay out of the component's own inputs: the children carry them.
    super("lifeline:access:AppSecrets", name, { scope: args.scope }, opts);
    const app = tokenKey(args.appVersion);
    if (args.source.mode === "generated") this.#generated(name, args.scope, args.source, app);
    else this.#external(name, args.scope, args.source, app, heard(opts));
    this.registerOutputs({});
  }

  #generated(name: string, scope: Scope, source: GeneratedSource, app: AppSecret): void {
    const declare = (
      { logicalName, name: secret, key, component, type }: AppSecret,
      value: pulumi.Input<string>,
    ) =>
      new Secret(
        `${name}-${logicalName}`,
        {
          metadata: metadata(scope, component, secret),
          type,
          stringData: { [key]: value },
        },
        { parent: this, retainOnDelete: keepsVersions(component) },
      );
    declare(postgres, source.postgresPassword);
    declare(app, versionOf(source.jwtSecret, app.version));
    if (source.registryConfig !== undefined) declare(registry, source.registryConfig);
  }

  #external(
    name: string,
    scope: Scope,
    source: ExternalSource,
    app: AppSecret,
    listeners: ReturnType<typeof heard>,
  ): void {
    const gate = {
      parent: this,
      customTimeouts: timeoutsOf(source.deadlineSeconds),
      ...listeners,
    };
    const reader = metadata(scope, "access", "secret-reader");
    const account = new ServiceAccount(
      `${name}-reader`,
      {
        metadata: { ...reader, annotations: { "eks.amazonaws.com/role-arn": source.roleArn } },
        automountServiceAccountToken: false,
      },
      { parent: this },
    );
    const store = new CustomResource(
      `${name}-store`,
      {
        apiVersion: "external-secrets.io/v1",
        kind: "SecretStore",
        metadata: {
          ...metadata(scope, "access", "secrets-manager"),
          annotations: { "pulumi.com/waitFor": "condition=Ready" },
        },
        spec: {
          provider: {
            aws: {
              service: "SecretsManager",
              region: source.region,
              auth: { jwt: { serviceAccountRef: { name: reader.name } } },
            },
          },
        },
      },
      { ...gate, dependsOn: [account] },
    );
    const declare = (secret: AppSecret, remoteName: string) =>
      new CustomResource(
        `${name}-${secret.logicalName}`,
        externalSecret(scope, secret, remoteName),
        { ...gate, dependsOn: [store], retainOnDelete: keepsVersions(secret.component) },
      );
    declare(postgres, source.names.postgres);
    declare(app, source.names.app);
    declare(registry, source.names.registry);
  }
}

/**
 * A token key stays when a release with another one comes: where that release stops, its pods are still needed, and what
 * the engine marked for deletion then goes with the next run, which goes back to it.
 */
const keepsVersions = (component: Component): boolean => component === "backend";

function tokenKey(version: string | undefined): AppSecret {
  const { secret, key } = jwtSecret(version);
  return {
    logicalName: jwtSecret().secret,
    name: secret,
    key,
    ...(version !== undefined && { version }),
    component: "backend",
    type: "Opaque",
    // Pods that started before and after a change would not accept each other's tokens.
    followsRemote: false,
  };
}

/** Each version of a generated value follows from the same root: going back finds the earlier value again. */
function versionOf(root: pulumi.Input<string>, version: string | undefined): pulumi.Input<string> {
  if (version === undefined) return root;
  return pulumi
    .secret(root)
    .apply((key) => createHmac("sha256", key).update(version).digest("hex"));
}

function externalSecret(scope: Scope, secret: AppSecret, remoteName: string) {
  const { name, key, version, component, type, followsRemote } = secret;
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: {
      ...metadata(scope, component, name),
      annotations: { "pulumi.com/waitFor": "condition=Ready" },
    },
    spec: {
      ...(followsRemote
        ? { refreshPolicy: "Periodic", refreshInterval: "1h" }
        : { refreshPolicy: "CreatedOnce" }),
      secretStoreRef: { kind: "SecretStore", name: "secrets-manager" },
      // Neither a deleted ExternalSecret nor a deleted remote value takes the password away from running pods.
      // One of a pinned version is needed by the pods of its releases alone.
      target: {
        name,
        creationPolicy: version === undefined ? "Orphan" : "Owner",
        deletionPolicy: "Retain",
        template: { type },
      },
      data: [
        {
          secretKey: key,
          remoteRef: {
            key: remoteName,
            ...(version !== undefined && { version: `uuid/${version}` }),
          },
        },
      ],
    },
  };
}
