import { readFileSync } from "node:fs";

import { Command } from "@pulumi/command/local/command.js";
import * as pulumi from "@pulumi/pulumi";

export interface PrivateCaArgs {
  /** Common name of the authority. */
  readonly commonName: string;
}

/**
 * Makes the product's private certificate authority once and keeps it: both regions' databases know each other by it.
 * Defines a command on the machine of the run, whose output is encrypted in the engine's state and printed nowhere.
 */
export class PrivateCa extends pulumi.ComponentResource {
  /** PEM. */
  public readonly certificate: pulumi.Output<string>;
  /** PEM; secret. */
  public readonly privateKey: pulumi.Output<string>;

  constructor(name: string, args: PrivateCaArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:access:PrivateCa", name, args, opts);
    const made = new Command(
      name,
      {
        create: "node --input-type=module -",
        stdin: readFileSync(new URL("../gates/private-ca.mjs", import.meta.url), "utf8"),
        environment: { CA_NAME: args.commonName },
        logging: "none",
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        protect: true,
        additionalSecretOutputs: ["stdout"],
        // Whatever changes about how it is made, the authority that every certificate hangs on stays.
        ignoreChanges: ["create", "stdin", "environment", "logging", "addPreviousOutputInEnv"],
      },
    );
    const authority = pulumi.secret(made.stdout).apply((text) => JSON.parse(text) as Authority);
    this.certificate = authority.certificate;
    this.privateKey = authority.privateKey;
    this.registerOutputs({ certificate: this.certificate, privateKey: this.privateKey });
  }
}

interface Authority {
  readonly certificate: string;
  readonly privateKey: string;
}
