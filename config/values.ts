import { z } from "zod";

import { isCron } from "../components/lib/cron.ts";
import { isPinnedImage } from "../components/lib/image.ts";
import { bytes, millicores } from "../components/lib/quantity.ts";
import { text } from "./expectation.ts";

export const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

export const dnsLabel = text(
  {
    allowed:
      'a DNS label: up to 63 of a-z, 0-9 and "-", starting and ending with a letter or digit',
    fix: 'use lower case and "-" only, such as gravl-production',
  },
  new RegExp(`^${label}$`),
);

export const productNamespace = text(
  {
    allowed:
      "a DNS label of up to 63 characters, the product's own namespace: not default, not kube-*",
    fix: 'use lower case and "-" only, such as gravl-production',
  },
  (value) => new RegExp(`^${label}$`).test(value) && !/^(default$|kube-)/.test(value),
);

export const dnsName = text(
  {
    allowed: 'a DNS name: labels of a-z, 0-9 and "-" joined by dots, 253 characters at most',
    fix: "write the bare name, without scheme, port, path or capitals",
  },
  (value) => value.length <= 253 && new RegExp(`^${label}(\\.${label})*$`).test(value),
);

export const hostName = text(
  {
    allowed: "a public DNS name of at least two labels, such as gravl.example.com",
    fix: "write the bare name, without scheme, port, path or capitals",
  },
  isHostName,
);

export const awsRegion = text(
  {
    allowed: "an AWS region such as eu-north-1",
    fix: "take a region code from `aws ec2 describe-regions`; an availability zone is not a region",
  },
  /^(af|ap|ca|eu|il|me|mx|sa|us)-(north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]$/,
);

export const kubeContext = text(
  {
    allowed: "the name of a kubeconfig context, without spaces",
    fix: "take it from `kubectl config get-contexts -o name`",
  },
  /^[^\s'"]{1,253}$/,
);

export const nonEmptyPath = text(
  {
    allowed: "the path of a kubeconfig file",
    fix: "write a path, or leave the key out to use KUBECONFIG",
  },
  /\S/,
);

export const entryAddress = text(
  {
    allowed: "an IPv4 address such as 10.0.0.1, or the DNS name of a load balancer",
    fix: "write four numbers from 0 to 255 joined by dots, or the bare name without scheme or port",
  },
  (value) => z.ipv4().safeParse(value).success || isHostName(value),
);

/** A last label of digits alone would make it an address. */
function isHostName(value: string): boolean {
  return (
    value.length <= 253 &&
    new RegExp(`^${label}(\\.${label})+$`).test(value) &&
    !/(^|\.)\d+$/.test(value)
  );
}

export const email = text(
  {
    allowed: "an e-mail address",
    fix: "give the address that certificate expiry notices should reach",
  },
  (value) => z.email().safeParse(value).success,
);

export const clusterIssuerServer = text(
  {
    allowed: "the https URL of an ACME directory",
    fix: "use https://acme-v02.api.letsencrypt.org/directory, or its staging twin for tests",
  },
  /^https:\/\/[a-z0-9.-]+(:\d+)?\/\S*$/,
);

export const httpsUrl = text(
  {
    allowed: "an https URL without query, such as https://git.example.com/lifeline/docs/runbooks",
    fix: "write it from https:// on, without a / at its end",
  },
  /^https:\/\/[a-z0-9.-]+(:\d+)?(\/[^\s/?#]+)*$/,
);

export const image = text(
  {
    allowed: "an image pinned by digest, `<repository>@sha256:<64 hex digits>`, without a tag",
    fix: "take the digest from the registry, for example with `docker buildx imagetools inspect <image>`",
  },
  isPinnedImage,
);

export const cpu = text(
  {
    allowed: 'CPU as a string, such as "250m", "2" or "1.5"',
    fix: "quote it, and use no unit but m",
  },
  (value) => millicores(value) !== undefined,
);

export const memory = text(
  {
    allowed: 'memory of at least 1Mi as a string, such as "256Mi" or "4Gi"',
    fix: "add a unit: Mi or Gi",
  },
  (value) => (bytes(value) ?? 0) >= 2 ** 20,
);

export const storage = text(
  { allowed: 'storage of at least 1Gi as a string, such as "100Gi"', fix: "add a unit: Gi or Ti" },
  (value) => (bytes(value) ?? 0) >= 2 ** 30,
);

export const databaseName = text(
  {
    allowed: "a Postgres name: a-z, 0-9 and _, starting with a letter, 63 at most, not postgres",
    fix: "use lower case and _, such as gravl_user",
  },
  (value) =>
    /^[a-z][a-z0-9_]{0,62}$/.test(value) &&
    !/^(postgres|exporter|(replicator|rewinder)_.*|template[01]|pg_.*)$/.test(value),
);

const labelName = text(
  { allowed: "a Kubernetes label name", fix: "write it as in `kubectl get pods --show-labels`" },
  new RegExp(`^(${label}(\\.${label})*/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`),
);

const labelValue = text(
  {
    allowed: "a Kubernetes label value: a string of up to 63 of A-Z, a-z, 0-9, _ . and -",
    fix: "write it as in `kubectl get pods --show-labels`, quoted if it looks like a number or boolean",
  },
  /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/,
);

/** Labels that choose pods; without any, a network policy would choose all of them. */
export const podLabels = z
  .record(labelName, labelValue)
  .refine((labels) => Object.keys(labels).length > 0, {
    params: {
      allowed: "at least one label and its value",
      fix: "take those of the pods from `kubectl get pods --show-labels`",
    },
  });

/** Annotations that are added to objects; the values are free text. */
export const annotations = z.record(
  labelName,
  text(
    { allowed: "a string, as every annotation is", fix: 'quote it, such as "true" or "443"' },
    /^[^\r\n]*$/,
  ),
);

/** Labels that are added to objects; the program's own cannot be changed. */
export const objectLabels = z.record(
  labelName.refine((name) => !name.startsWith("app.kubernetes.io/"), {
    params: {
      allowed: "a Kubernetes label name outside of app.kubernetes.io/, which is the program's own",
      fix: "let Prometheus select by another label, or leave this one out",
    },
  }),
  labelValue,
);

export const roleArn = text(
  {
    allowed: "the ARN of an IAM role, `arn:aws:iam::<12 digits>:role/<name>`",
    fix: "take it from `aws iam get-role --role-name <name> --query Role.Arn`",
  },
  /^arn:aws(-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
);

export const hostedZoneId = text(
  {
    allowed: "the id of a Route 53 hosted zone: Z and 7 to 31 more of A-Z and 0-9",
    fix: "take what follows /hostedzone/ in `aws route53 list-hosted-zones`",
  },
  /^Z[A-Z0-9]{7,31}$/,
);

export const bucketPrefix = text(
  {
    allowed:
      'the start of a bucket name: 3 to 40 of a-z, 0-9 and "-", starting and ending with a letter or digit',
    fix: "choose a name that no other AWS account is likely to use, such as <company>-gravl-production",
  },
  /^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$/,
);

export const secretName = text(
  {
    allowed: "the name of a secret in AWS Secrets Manager: letters, digits and /_+=.@-",
    fix: "write its name, not its ARN and never its value",
  },
  /^[\w/+=.@-]{1,512}$/,
);

export const cron = text(
  {
    allowed: 'a cron expression of five fields, in UTC, such as "0 2 * * *"',
    fix: "write minute, hour, day of month, month and day of week, one space between them",
  },
  isCron,
);

export const releaseVersion = text(
  {
    allowed: "a release version such as v1.4.0",
    fix: "write v, then three numbers without leading zeros joined by dots",
  },
  /^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z]+(\.[0-9A-Za-z]+)*)?$/,
);

export const remark = text(
  {
    allowed: "a sentence for the record: one line of 1 to 300 characters",
    fix: "say it in one line, in quotes",
  },
  /^\S[^\r\n]{0,299}$/,
);

export const upstreamVersion = text(
  { allowed: "an exact chart version such as v1.19.1", fix: "pin it: no range, no latest" },
  /^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/,
);
