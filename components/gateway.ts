import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import * as pulumi from "@pulumi/pulumi";

import type { GatewayStatus } from "./gateway-address.ts";
import { reportedAddress } from "./gateway-address.ts";
import { heard, timeoutsOf } from "./lib/gate.ts";
import type { Scope } from "./lib/labels.ts";
import { metadata } from "./lib/labels.ts";
import { ports } from "./lib/ports.ts";

export interface GatewayArgs {
  readonly scope: Scope;
  /** GatewayClass of the cluster's controller. */
  readonly className: string;
  /** Public DNS name of the product. */
  readonly host: string;
  /** DNS name that always means this region: health checkers ask it, and nobody else. */
  readonly endpoint: string;
  /** Secret with the certificate for both names. */
  readonly tlsSecret: string;
  /** Longest until the controller serves what is declared. */
  readonly deadlineSeconds: number;
  /** Where the Gateway is reached. @default - what its controller reports */
  readonly address?: string;
}

const apiVersion = "gateway.networking.k8s.io/v1";

interface RouteSpec {
  /** The listeners of the Gateway that the route is for. */
  readonly parentRefs: readonly { readonly name: string; readonly sectionName: string }[];
  readonly hostnames: readonly string[];
  readonly rules: readonly object[];
}

/** A Gateway with the status that its controller reports. */
class GatewayObject extends CustomResource {
  declare public readonly status: pulumi.Output<GatewayStatus | undefined>;
}

/**
 * Lets the outside in by HTTPS: `/api` to the backend, everything else to the frontend; plain HTTP is redirected.
 * Defines a Gateway and its HTTPRoutes, waited for until the controller serves them. The region's own name answers
 * `/primary` alone, on which DNS failover decides.
 */
export class Gateway extends pulumi.ComponentResource {
  /** IP address or DNS name under which the controller serves this Gateway. */
  public readonly address: pulumi.Output<string>;

  constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:entry:Gateway", name, args, opts);
    const { scope, host, endpoint } = args;
    const gate = {
      parent: this,
      customTimeouts: timeoutsOf(args.deadlineSeconds),
      ...heard(opts),
    };

    const gateway = new GatewayObject(
      name,
      {
        apiVersion,
        kind: "Gateway",
        metadata: waitedFor(scope, scope.product, "condition=Programmed"),
        spec: { gatewayClassName: args.className, listeners: listeners(args) },
        // Undefined makes the engine hand over what the controller reported.
        status: undefined,
      },
      gate,
    );
    const route = (role: string, spec: RouteSpec) =>
      new CustomResource(
        `${name}-${role}`,
        {
          apiVersion,
          kind: "HTTPRoute",
          metadata: waitedFor(scope, role, attached(spec.parentRefs)),
          spec,
        },
        { ...gate, dependsOn: [gateway] },
      );
    const from = (...sectionNames: string[]) => ({
      parentRefs: sectionNames.map((sectionName) => ({ name: scope.product, sectionName })),
    });

    route("https-redirect", {
      ...from("http"),
      hostnames: [host],
      rules: [
        {
          filters: [
            { type: "RequestRedirect", requestRedirect: { scheme: "https", statusCode: 301 } },
          ],
        },
      ],
    });
    route("backend", { ...from("https"), hostnames: [host], rules: [rule("backend", "/api")] });
    route("frontend", { ...from("https"), hostnames: [host], rules: [rule("frontend", "/")] });
    route("primary", {
      ...from("https", "endpoint"),
      hostnames: [host, endpoint],
      rules: [rule("backend", "/primary", "Exact")],
    });

    this.address = pulumi.output(
      args.address ?? gateway.status.apply((status) => reportedAddress(status, scope)),
    );
    this.registerOutputs({ address: this.address });
  }
}

/**
 * Until each listener has taken the route and found its backends. By name, since controllers list listeners and
 * conditions in whichever order; and for the spec of now, since both conditions of the one before stay until replaced.
 */
function attached(parentRefs: RouteSpec["parentRefs"]): string {
  const waits = parentRefs.flatMap(({ sectionName }) =>
    ["Accepted", "ResolvedRefs"].map((type) => {
      const parent = `.status.parents[?@.parentRef.sectionName=="${sectionName}"]`;
      const current = `@.type=="${type}" && @.observedGeneration==$.metadata.generation`;
      return `jsonpath={${parent}.conditions[?${current}].status}=True`;
    }),
  );
  return JSON.stringify(waits);
}

function waitedFor(scope: Scope, name: string, condition: string) {
  return {
    ...metadata(scope, "entry", name),
    annotations: { "pulumi.com/waitFor": condition },
  };
}

function listeners({ host, endpoint, tlsSecret }: GatewayArgs) {
  const sameNamespace = { allowedRoutes: { namespaces: { from: "Same" } } };
  const https = {
    protocol: "HTTPS",
    port: 443,
    tls: { mode: "Terminate", certificateRefs: [{ kind: "Secret", name: tlsSecret }] },
    ...sameNamespace,
  };
  return [
    { name: "http", protocol: "HTTP", port: 80, hostname: host, ...sameNamespace },
    { name: "https", hostname: host, ...https },
    { name: "endpoint", hostname: endpoint, ...https },
  ];
}

function rule(
  backend: "backend" | "frontend",
  path: string,
  type: "PathPrefix" | "Exact" = "PathPrefix",
) {
  return {
    matches: [{ path: { type, value: path } }],
    backendRefs: [{ name: backend, port: ports[backend] }],
  };
}
