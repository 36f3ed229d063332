import type { ResourceValidationPolicy } from "@pulumi/policy";
import { announcesCredential, credentialIn } from "../lib/credentials.ts";
import { kindOf } from "../lib/kinds.ts";
import { isKnown } from "../lib/known.ts";
import { visitContainers } from "../lib/pods.ts";
import { at, keysOf, visitEach } from "../lib/read.ts";
import { secretInputsOf } from "../lib/secret-inputs.ts";
import { explain } from "../lib/violation.ts";

export const secretsAsFiles: ResourceValidationPolicy = {
  name: "secrets-as-files",
  displayName: "Containers read secrets from files",
  description:
    "No environment variable holds a secret, neither in plain text nor from a Secret: the " +
    "environment is inherited, dumped and logged.",
  severity: "high",
  remediationSteps: "Mount the Secret and pass the path in a variable that ends in _FILE.",
  validateResource: (args, report) => {
    const fix = "Mount the Secret and pass the path of the file in a variable that ends in _FILE.";
    visitContainers(args, ({ spec, where }) => {
      visitEach(at(spec, "env"), (variable, index) => {
        const name = at(variable, "name");
        const field = `env[${index}] ${JSON.stringify(name)}`;
        if (at(variable, "valueFrom", "secretKeyRef") !== undefined) {
          report(explain({ where, field, must: "not take its value from a Secret", fix }));
        } else if (typeof name !== "string" || announcesCredential(name)) {
          report(explain({ where, field, must: "not hold what its name announces", fix }));
        }
      });
      visitEach(at(spec, "envFrom"), (source, index) => {
        if (at(source, "secretRef") === undefined) return;
        report(explain({ where, field: `envFrom[${index}].secretRef`, must: "be left out", fix }));
      });
    });
    if (kindOf(args.type) !== "ConfigMap") return;
    for (const key of keysOf(at(args.props, "data")).filter(announcesCredential)) {
      report(
        explain({
          where: `config map ${args.name}`,
          field: `data.${key}`,
          must: "not hold what its name announces",
          fix: "Move it to a Secret, mounted as a file.",
        }),
      );
    }
  },
};

export const noCredentialLiterals: ResourceValidationPolicy = {
  name: "no-credential-literals",
  displayName: "No credential is written out",
  description:
    "Nothing that is declared, in a cluster, in AWS or on the machine of the run, holds text in " +
    "the shape of a known credential, but for the inputs of secrets.",
  severity: "critical",
  remediationSteps: "Revoke the credential, then refer to a Secret that holds its successor.",
  validateResource: (args, report) => {
    const secretInputs = secretInputsOf(args.type) ?? [];
    visitTexts(args.props, "", (text, path) => {
      if (secretInputs.includes(path.split(".")[0] ?? "")) return;
      const credential = credentialIn(text);
      if (credential === undefined) return;
      report(
        explain({
          where: `${args.type} ${args.name}`,
          field: path,
          must: `not hold ${credential}`,
          fix: "Revoke it: it may already be in a log. Keep its successor in a Secret.",
        }),
      );
    });
  },
};

/** Texts that a preview does not know are left to the run, which does. */
function visitTexts(
  value: unknown,
  path: string,
  visit: (text: string, path: string) => void,
): void {
  if (typeof value === "string") visit(value, path);
  for (const key of keysOf(value)) {
    if (!isKnown(() => at(value, key))) continue;
    visitTexts(at(value, key), path === "" ? key : `${path}.${key}`, visit);
  }
}

export const noStaticAwsKeys: ResourceValidationPolicy = {
  name: "no-static-aws-keys",
  displayName: "Nobody logs in to AWS with a static key",
  description: "No IAM access key is created and no provider is configured with one.",
  severity: "critical",
  remediationSteps: "Use Pod Identity or IRSA in clusters, and the environment's role in CI.",
  validateResource: (args, report) => {
    const fix = "Use a role: Pod Identity or IRSA in clusters, the environment's role in CI.";
    if (args.type === "aws:iam/accessKey:AccessKey") {
      report(explain({ where: args.name, field: "type", must: "not be an access key", fix }));
    }
    if (args.type !== "pulumi:providers:aws") return;
    for (const field of ["accessKey", "secretKey"]) {
      if (!keysOf(args.props).includes(field)) continue;
      report(explain({ where: `provider ${args.name}`, field, must: "be left out", fix }));
    }
  },
};
