import type { ComponentResourceOptions, CustomResourceOptions } from "@pulumi/pulumi";

/** The engine's own limit for something that it waits for. */
export function timeoutsOf(seconds: number) {
  const limit = `${String(seconds)}s`;
  return { create: limit, update: limit };
}

/**
 * For each part of a component at which a bad release can stop: whoever listens to the component hears of it. The engine
 * hands hooks to no child by itself.
 */
export function heard(
  opts: ComponentResourceOptions | undefined,
): Pick<CustomResourceOptions, "hooks"> {
  return opts?.hooks === undefined ? {} : { hooks: opts.hooks };
}
