import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import * as pulumi from "@pulumi/pulumi";

import { archiveOwn, archivePeer, archiveProof, archiveReports } from "./lib/archive.ts";
import { authoritySecret } from "./lib/database.ts";
import type { Scope } from "./lib/labels.ts";
import { metadata } from "./lib/labels.ts";
import type { SecretFile } from "./lib/pod.ts";
import { secretStore } from "./lib/secret-files.ts";

/** Keys of an S3 server. */
export interface KeyPair {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** What one region's pods reach archives with, by what each pair may do. */
export interface ArchiveKeys {
  /** Writes the region's own archive. */
  readonly own: KeyPair;
  /** Reads the other region's. */
  readonly peer: KeyPair;
  /** Reads the region's own. */
  readonly proof: KeyPair;
  /** Writes reports into the region's own bucket. */
  readonly reports: KeyPair;
}

/** Values made by this program; all secret. */
export interface GeneratedDatabaseSecrets {
  readonly mode: "generated";
  readonly authority: {
    readonly certificate: pulumi.Input<string>;
    readonly privateKey: pulumi.Input<string>;
  };
  readonly ownCipherKey: pulumi.Input<string>;
  readonly peerCipherKey: pulumi.Input<string>;
  /** Absent where pods reach S3 by their service account. */
  readonly keys?: pulumi.Input<ArchiveKeys>;
}

/** One entry of AWS Secrets Manager: JSON with caCertificate, caPrivateKey, and cipherKeys by region. */
export interface ExternalDatabaseSecrets {
  readonly mode: "external";
  readonly name: string;
  readonly region: string;
  readonly peerRegion: string;
}

export interface DatabaseSecretsArgs {
  readonly scope: Scope;
  readonly source: GeneratedDatabaseSecrets | ExternalDatabaseSecrets;
}

/**
 * Puts the database's private authority and the archives' secrets where cert-manager and pods find them. Defines a Secret
 * for each, or an ExternalSecret that reads it from the store that AppSecrets declares, waited for until it has its value.
 */
export class DatabaseSecrets extends pulumi.ComponentResource {
  constructor(name: string, args: DatabaseSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    // Values stay out of the component's own inputs: the children carry them.
    super("lifeline:access:DatabaseSecrets", name, { scope: args.scope }, opts);
    if (args.source.mode === "generated") this.#generated(name, args.scope, args.source);
    else this.#external(name, args.scope, args.source);
    this.registerOutputs({});
  }

  #generated(name: string, scope: Scope, source: GeneratedDatabaseSecrets): void {
    const { authority, ownCipherKey, peerCipherKey, keys } = source;
    const declare = (
      secret: string,
      type: string,
      stringData: Record<string, pulumi.Input<string>>,
    ) =>
      new Secret(
        `${name}-${secret}`,
        { metadata: metadata(scope, "database", secret), type, stringData },
        { parent: this },
      );
    declare(authoritySecret, "kubernetes.io/tls", {
      "tls.crt": authority.certificate,
      "tls.key": authority.privateKey,
    });
    const pairs = keys === undefined ? undefined : pulumi.secret(keys);
    for (const [file, cipherKey, pair] of [
      [archiveOwn, ownCipherKey, pairs?.own],
      [archivePeer, peerCipherKey, pairs?.peer],
      [archiveProof, ownCipherKey, pairs?.proof],
    ] as const) {
      declare(file.secret, "Opaque", { [file.key]: secretsConf(cipherKey, pair) });
    }
    if (pairs === undefined) return;
    const [accessKey, secretKey] = archiveReports.keys;
    declare(archiveReports.secret, "Opaque", {
      [accessKey]: pairs.reports.accessKey,
      [secretKey]: pairs.reports.secretKey,
    });
  }

  #external(name: string, scope: Scope, source: ExternalDatabaseSecrets): void {
    const declare = (secret: ExternalSecret) =>
      new CustomResource(`${name}-${secret.name}`, externalSecret(scope, source.name, secret), {
        parent: this,
      });
    declare({
      name: authoritySecret,
      type: "kubernetes.io/tls",
      properties: { certificate: "caCertificate", privateKey: "caPrivateKey" },
      files: { "tls.crt": "{{ .certificate }}", "tls.key": "{{ .privateKey }}" },
    });
    const archive = ({ secret, key }: SecretFile, region: string) =>
      declare({
        name: secret,
        type: "Opaque",
        properties: { cipherKey: `cipherKeys.${region}` },
        files: { [key]: conf(["repo1-cipher-pass={{ .cipherKey }}"]) },
      });
    archive(archiveOwn, source.region);
    archive(archivePeer, source.peerRegion);
    archive(archiveProof, source.region);
  }
}

/** secrets.conf of pgBackRest: what must not stand in a ConfigMap. */
function secretsConf(
  cipherKey: pulumi.Input<string>,
  pair: pulumi.Output<KeyPair> | undefined,
): pulumi.Output<string> {
  return pulumi.secret(
    pulumi
      .all([cipherKey, pair])
      .apply(([pass, keys]) =>
        conf([
          `repo1-cipher-pass=${pass}`,
          ...(keys === undefined
            ? []
            : [`repo1-s3-key=${keys.accessKey}`, `repo1-s3-key-secret=${keys.secretKey}`]),
        ]),
      ),
  );
}

const conf = (settings: readonly string[]): string => `[global]\n${settings.join("\n")}\n`;

interface ExternalSecret {
  readonly name: string;
  readonly type: string;
  /** Properties of the remote entry, by the name that the files use. */
  readonly properties: Readonly<Record<string, string>>;
  /** Templates of the Secret's files. */
  readonly files: Readonly<Record<string, string>>;
}

function externalSecret(scope: Scope, remoteName: string, secret: ExternalSecret) {
  const { name, type, properties, files } = secret;
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: {
      ...metadata(scope, "database", name),
      annotations: { "pulumi.com/waitFor": "condition=Ready" },
    },
    spec: {
      // Another authority or cipher key is another database; neither follows a remote value by itself.
      refreshPolicy: "CreatedOnce",
      secretStoreRef: { kind: "SecretStore", name: secretStore },
      // Neither a deleted ExternalSecret nor a deleted remote value takes the keys away from the archive.
      target: {
        name,
        creationPolicy: "Orphan",
        deletionPolicy: "Retain",
        template: { type, engineVersion: "v2", data: { ...files } },
      },
      data: Object.entries(properties).map(([secretKey, property]) => ({
        secretKey,
        remoteRef: { key: remoteName, property },
      })),
    },
  };
}
