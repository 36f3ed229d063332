import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";

export interface GeneratedSecretsArgs {
  /** AWS regions, each of which has an archive with a cipher key of its own. */
  readonly regions: readonly string[];
}

/**
 * Makes the product's own secrets once and keeps them: the same in both regions, because a move between them must not
 * change a password or end a session. Defines random passwords, encrypted in the engine's state.
 */
export class GeneratedSecrets extends pulumi.ComponentResource {
  /** Password of the application's database role; secret. */
  public readonly postgresPassword: pulumi.Output<string>;
  /** Key that signs the application's tokens; secret. */
  public readonly jwtSecret: pulumi.Output<string>;

  /** Cipher keys of the archives by region; secret. */
  public readonly cipherKeys: Readonly<Record<string, pulumi.Output<string>>>;

  constructor(name: string, args: GeneratedSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:access:GeneratedSecrets", name, args, opts);
    const keep = { parent: this, protect: true };

    // No special characters: both values pass unquoted through files, URLs and connection strings.
    const postgres = new RandomPassword(`${name}-postgres`, { length: 32, special: false }, keep);
    const jwt = new RandomPassword(`${name}-jwt`, { length: 64, special: false }, keep);

    this.postgresPassword = postgres.result;
    this.jwtSecret = jwt.result;
    this.cipherKeys = Object.fromEntries(
      args.regions.map((region) => {
        // Letters and digits alone, as above; without it the archive of the region is noise.
        const key = new RandomPassword(
          `${name}-cipher-${region}`,
          { length: 64, special: false },
          keep,
        );
        return [region, key.result];
      }),
    );
    this.registerOutputs({
      postgresPassword: this.postgresPassword,
      jwtSecret: this.jwtSecret,
      cipherKeys: this.cipherKeys,
    });
  }
}
