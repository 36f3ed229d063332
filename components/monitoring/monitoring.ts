import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import * as pulumi from "@pulumi/pulumi";

import type { Scope } from "../lib/labels.ts";
import { metadata, selector } from "../lib/labels.ts";
import type { Alert } from "./rules.ts";
import { alerts, pageOf, targets } from "./rules.ts";

export interface MonitoringArgs {
  readonly scope: Scope;
  /** By which Prometheus finds these objects, beside the labels that every object has. */
  readonly labels: Readonly<Record<string, string>>;
  /** URL of the folder of the alerts' pages, without a slash at its end. */
  readonly runbookBase: string;
}

const apiVersion = "monitoring.coreos.com/v1";

/**
 * Tells Prometheus what to scrape in this region and when to call for help.
 * Defines a ServiceMonitor per service and one PrometheusRule. Owns neither Prometheus nor the way alerts are delivered.
 */
export class Monitoring extends pulumi.ComponentResource {
  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:monitoring:Monitoring", name, args, opts);
    const { scope, runbookBase } = args;
    const meta = (object: string) => {
      const own = metadata(scope, "monitoring", object);
      return { ...own, labels: { ...args.labels, ...own.labels } };
    };

    for (const target of targets) {
      new CustomResource(
        `${name}-${target.name}`,
        {
          apiVersion,
          kind: "ServiceMonitor",
          metadata: meta(target.name),
          spec: {
            namespaceSelector: { matchNames: [scope.namespace] },
            selector: { matchLabels: selector(target.component) },
            // Members are named by a Service of their own: the application, not the Service, names the job.
            jobLabel: "app.kubernetes.io/name",
            endpoints: target.ports.map((port) => ({
              port,
              interval: "15s",
              scrapeTimeout: "10s",
            })),
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
        metadata: meta("alerts"),
        spec: {
          groups: [
            {
              name: scope.product,
              rules: alerts(scope.namespace).map((alert) => rule(alert, runbookBase)),
            },
          ],
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

function rule(alert: Alert, runbookBase: string) {
  return {
    alert: alert.alert,
    expr: alert.expr,
    for: alert.for,
    labels: { severity: alert.severity },
    annotations: { summary: alert.summary, runbook_url: `${runbookBase}/${pageOf(alert)}` },
  };
}
