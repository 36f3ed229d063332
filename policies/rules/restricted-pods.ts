import type { ResourceValidationPolicy } from "@pulumi/policy";
import { kindOf } from "../lib/kinds.ts";
import { podOf } from "../lib/pods.ts";
import { at, keysOf, visitEach } from "../lib/read.ts";
import { explain } from "../lib/violation.ts";

const hostNamespaces = ["hostNetwork", "hostPID", "hostIPC"];

const allowedVolumes = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);

/** Pod Security Standard "restricted" for what containers of one pod share. */
export const restrictedPods: ResourceValidationPolicy = {
  name: "restricted-pods",
  displayName: "Pods stay off their node",
  description: "No pod shares the namespaces, files or kernel settings of its node.",
  severity: "critical",
  remediationSteps: "Use a Service instead of the node's network, a claim instead of its files.",
  validateResource: (args, report) => {
    const pod = podOf(args);
    if (pod === undefined) return;
    const where = `pod (${pod.path})`;

    for (const field of hostNamespaces) {
      const value = at(pod.spec, field);
      if (value === undefined || value === false) continue;
      report(explain({ where, field, value, must: "be false or left out", fix: "Remove it." }));
    }
    visitEach(at(pod.spec, "securityContext", "sysctls"), (sysctl, index) => {
      report(
        explain({
          where,
          field: `securityContext.sysctls[${index}]`,
          value: at(sysctl, "name"),
          must: "be left out",
          fix: "Ask the owner of the cluster for the setting.",
        }),
      );
    });
    visitEach(at(pod.spec, "volumes"), (volume, index) => {
      const types = keysOf(volume).filter((key) => key !== "name");
      if (types.length === 1 && allowedVolumes.has(types[0] ?? "")) return;
      report(
        explain({
          where: `volume ${JSON.stringify(at(volume, "name"))} (${pod.path}.volumes[${index}])`,
          field: "type",
          value: types.join(", "),
          must: `be one of ${[...allowedVolumes].join(", ")}`,
          fix: "Keep data in a claim and configuration in a ConfigMap or Secret.",
        }),
      );
    });
  },
};

/** The cluster's own judge must be on as well: it also sees pods that no program declared. */
export const restrictedNamespaces: ResourceValidationPolicy = {
  name: "restricted-namespaces",
  displayName: "Namespaces enforce the restricted standard",
  description: "Every namespace makes the cluster refuse pods that are not restricted.",
  severity: "high",
  remediationSteps: "Label the namespace pod-security.kubernetes.io/enforce: restricted.",
  validateResource: (args, report) => {
    if (kindOf(args.type) !== "Namespace") return;
    const label = "pod-security.kubernetes.io/enforce";
    const value = at(args.props, "metadata", "labels", label);
    if (value === "restricted") return;
    report(
      explain({
        where: `namespace ${args.name}`,
        field: `metadata.labels["${label}"]`,
        value,
        must: 'be "restricted"',
        fix: "Add the label.",
      }),
    );
  },
};
