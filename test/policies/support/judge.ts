import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import type { Resource } from "./resources.ts";

/** What a rule has to say about a resource: one message per violation. */
export function violations(rule: ResourceValidationPolicy, resource: Resource): string[] {
  const messages: string[] = [];
  const args = argsOf(resource);
  void rule.remediateResource?.(args);
  const validations = [rule.validateResource ?? []].flat();
  for (const validate of validations) void validate(args, (message) => messages.push(message));
  return messages;
}

export function argsOf({ type, name, props, protect }: Resource): ResourceValidationArgs {
  return {
    type,
    name,
    props,
    urn: `urn:pulumi:test::test::${type}::${name}`,
    opts: {
      protect: protect ?? false,
      ignoreChanges: [],
      aliases: [],
      customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
      additionalSecretOutputs: [],
    },
    stackTags: new Map(),
    isType: () => false,
    asType: () => undefined,
    getConfig: <T extends object>() => ({}) as T,
    notApplicable: (reason) => {
      throw new Error(reason);
    },
  };
}
