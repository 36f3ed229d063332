import * as pulumi from "@pulumi/pulumi";

import { useConfig } from "./stack-files.ts";

/** Names of what programs registered. */
export const registered: string[] = [];

/** Runs `program` as the stack of this name, as the engine would; nothing it registers is real. */
export async function runAs<T>(
  stack: string,
  config: Record<string, unknown>,
  program: () => T,
): Promise<T> {
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, inputs }) => {
        registered.push(name);
        return { id: name, state: inputs as object };
      },
      call: ({ inputs }) => inputs as object,
    },
    "lifeline",
    stack,
  );
  useConfig(config);
  return program();
}
