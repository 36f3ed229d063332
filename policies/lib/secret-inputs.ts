import { kindOf } from "./kinds.ts";

/** Inputs that are made for secret values, by kind or type. */
const secretInputs: Readonly<Record<string, readonly string[]>> = {
  Secret: ["data", "stringData"],
  "aws:secretsmanager/secretVersion:SecretVersion": ["secretString", "secretBinary"],
};

/** Names of the inputs in which a resource of this type may hold secret values; undefined when it has none. */
export function secretInputsOf(type: string): readonly string[] | undefined {
  return secretInputs[kindOf(type) ?? type];
}
