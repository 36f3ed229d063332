import { RunError } from "@pulumi/pulumi";

import type { Scope } from "./lib/labels.ts";

/** What a Gateway's controller says of it. */
export interface GatewayStatus {
  readonly addresses?: readonly { readonly value: string }[];
}

/**
 * IP address or DNS name under which the product's Gateway is served.
 * @throws RunError when the controller publishes none, which stops the run before it names the region in DNS
 */
export function reportedAddress(
  status: GatewayStatus | undefined,
  { namespace, product }: Scope,
): string {
  const address = status?.addresses?.[0]?.value;
  if (address !== undefined && address !== "") return address;
  throw new RunError(
    [
      `status.addresses of the Gateway ${namespace}/${product}`,
      `value:   ${address === undefined ? "(missing)" : "(empty)"}`,
      "allowed: the IP address or DNS name under which its controller serves it",
      "fix:     let the controller publish it (Traefik: providers.kubernetesGateway.statusAddress), or set gatewayAddress of this region in lifeline:regions",
    ].join("\n    "),
  );
}
