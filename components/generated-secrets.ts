import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";

/**
 * Makes the product's own secrets once and keeps them: the same in both regions, because a move between them must not
 * change a password or end a session. Defines two random passwords, encrypted in the engine's state.
 */
export class GeneratedSecrets extends pulumi.ComponentResource {
  /** Password of the application's database role; secret. */
  public readonly postgresPassword: pulumi.Output<string>;
  /** Key that signs the application's tokens; secret. */
  public readonly jwtSecret: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:access:GeneratedSecrets", name, {}, opts);
    const keep = { parent: this, protect: true };

    // No special characters: both values pass unquoted through files, URLs and connection strings.
    const postgres = new RandomPassword(`${name}-postgres`, { length: 32, special: false }, keep);
    const jwt = new RandomPassword(`${name}-jwt`, { length: 64, special: false }, keep);

    this.postgresPassword = postgres.result;
    this.jwtSecret = jwt.result;
    this.registerOutputs({ postgresPassword: this.postgresPassword, jwtSecret: this.jwtSecret });
  }
}
