import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import * as pulumi from "@pulumi/pulumi";

import type { Scope } from "../lib/labels.ts";
import { metadata, selector } from "../lib/labels.ts";
import type { Alert } from "./rules.ts";
import { alerts, runbookOf, targets } from "./rules.ts";

export interface MonitoringArgs {
  readonly scope: Scope;
}

const apiVersion = "monitoring.coreos.com/v1";

/**
 * Tells Prometheus what to scrape in this region and when to call for help.
 * Defines a ServiceMonitor per service and one PrometheusRule. Owns neither Prometheus nor the way alerts are delivered.
 */
export class Monitoring extends pulumi.ComponentResource {
  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:monitoring:Monitoring", name, args, opts);
    const { scope } = args;

    for (const target of targets) {
      new CustomResource(
        `${name}-${target.name}`,
        {
          apiVersion,
          kind: "ServiceMonitor",
          metadata: metadata(scope, "monitoring", target.name),
          spec: {
            namespaceSelector: { matchNames: [scope.namespace] },
            selector: { matchLabels: selector(target.component) },
            endpoints: [{ port: "metrics", interval: "15s", scrapeTimeout: "10s" }],
          },
        },
        { parent: this },
      );
    }
    new CustomResource(
      `${name}-alerts`,
      {
        apiVersion,
        kind: "PrometheusRule",
        metadata: metadata(scope, "monitoring", "alerts"),
        spec: { groups: [{ name: scope.product, rules: alerts(scope.namespace).map(rule) }] },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

function rule(alert: Alert) {
  return {
    alert: alert.alert,
    expr: alert.expr,
    for: alert.for,
    labels: { severity: alert.severity },
    annotations: { summary: alert.summary, runbook: runbookOf(alert) },
  };
}
