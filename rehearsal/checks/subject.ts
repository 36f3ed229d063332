import type { SchemaRange } from "../../rollback/record.ts";
import type { Cluster } from "./cluster.ts";

/** What should be running: the expected side of every check. */
export interface Subject {
  readonly product: string;
  readonly namespace: string;
  /** Public DNS name. */
  readonly host: string;
  readonly release: {
    readonly version: string;
    /** Versions of the schema of which one should be live. */
    readonly schema: SchemaRange;
    /** Name of the point before its migrations. */
    readonly restorePoint: string;
    /** References by digest. */
    readonly images: {
      readonly backend: string;
      readonly frontend: string;
      readonly migrations: string;
    };
  };
  readonly postgres: {
    readonly image: string;
    readonly database: string;
    /** Members in each region. */
    readonly replicas: number;
    /** Number of the generation of the data that serves. */
    readonly generation: number;
  };
  readonly minReplicas: { readonly backend: number; readonly frontend: number };
  /** When the update began: what was restarted before, as by a reboot of the node, is not its doing. */
  readonly since: Date;
  /** Whether images are pulled with credentials, so that their Secret must exist. */
  readonly registryCredentials: boolean;
  /** Certificate, PEM, of the authority that clients trust. */
  readonly authority: string;
}

/** One region as the checks see it. */
export interface RegionUnderTest {
  readonly name: string;
  readonly role: "primary" | "standby";
  /** IP address or name of the gateway from outside; `unknownAddress` where none is known. */
  readonly address: string;
  /** HTTPS port of the gateway. */
  readonly httpsPort: number;
  /** HTTP port of the gateway, which only redirects. */
  readonly httpPort: number;
  readonly cluster: Cluster;
}

/** What every object of one component is labelled with. */
export function labelsOf(component: string): Record<string, string> {
  return { "app.kubernetes.io/component": component };
}
