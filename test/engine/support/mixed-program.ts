import * as aws from "@pulumi/aws";
import * as command from "@pulumi/command";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

export interface Values {
  readonly kubeconfig: string;
  /** A secret that must be found nowhere. */
  readonly canary: string;
  /** Changes objects in place. */
  readonly data: string;
  /** Replaces a StatefulSet. */
  readonly serviceName: string;
}

/** Resources of every stand-in, the same in two namespaces that play two regions. */
export function mixedProgram(values: Values): void {
  const password = new random.RandomPassword("password", { length: 24 });
  for (const region of ["eu-north-1", "eu-west-1"]) {
    declareRegion(region, values, password.result);
    declareAws(region, values);
  }
}

function declareRegion(
  region: string,
  { kubeconfig, canary, data, serviceName }: Values,
  password: pulumi.Output<string>,
): void {
  const provider = new k8s.Provider(region, {
    kubeconfig,
    clusterIdentifier: region,
    enableConfigMapMutable: true,
    enableSecretMutable: true,
  });
  const namespace = new k8s.core.v1.Namespace(region, { metadata: { name: region } }, { provider });
  const opts = { provider, dependsOn: [namespace] };
  const metadata = (name: string) => ({ name, namespace: region });
  const secret = pulumi.secret(canary);
  const pod = (app: string) => ({
    metadata: { labels: { app }, annotations: { checksum: secret } },
    spec: { containers: [{ name: app, image: "none" }] },
  });
  const selector = (app: string) => ({ matchLabels: { app } });

  new k8s.core.v1.ConfigMap(`${region}-named`, { metadata: metadata("it"), data: { data } }, opts);
  const generated = { metadata: { namespace: region }, data: { a: "1" } };
  new k8s.core.v1.ConfigMap(`${region}-generated`, generated, opts);
  const stringData = { password, canary: secret, data };
  new k8s.core.v1.Secret(`${region}-text`, { metadata: metadata("text"), stringData }, opts);
  const bytes = secret.apply((text) => Buffer.from(text).toString("base64"));
  const binary = { metadata: metadata("binary"), data: { canary: bytes } };
  new k8s.core.v1.Secret(`${region}-binary`, binary, opts);
  new k8s.core.v1.ServiceAccount(`${region}-account`, { metadata: metadata("account") }, opts);
  const hard = { pods: "50", "requests.cpu": "2000m" };
  const quota = { metadata: metadata("quota"), spec: { hard } };
  new k8s.core.v1.ResourceQuota(`${region}-quota`, quota, opts);
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
  new k8s.rbac.v1.Role(`${region}-role`, { metadata: metadata("role"), rules }, opts);
  const spec = { replicas: 0, selector: selector("web"), template: pod("web") };
  new k8s.apps.v1.Deployment(`${region}-web`, { metadata: metadata("web"), spec }, opts);
  const stateful = { replicas: 0, serviceName, selector: selector("db"), template: pod("db") };
  const database = { metadata: metadata("db"), spec: stateful };
  new k8s.apps.v1.StatefulSet(`${region}-db`, database, opts);
  const headless = { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 5432 }] };
  new k8s.core.v1.Service(`${region}-db`, { metadata: metadata("db"), spec: headless }, opts);
  const budget = { maxUnavailable: 1, selector: selector("web") };
  const disruption = { metadata: metadata("web"), spec: budget };
  new k8s.policy.v1.PodDisruptionBudget(`${region}-web`, disruption, opts);
  const environment = { CANARY: secret, DATA: data };
  const create = 'echo "$CANARY $DATA"';
  new command.local.Command(region, { create, environment }, { dependsOn: [namespace] });
}

function declareAws(name: string, { data }: Values): void {
  const region = name as aws.Region;
  const provider = new aws.Provider(name, { region, defaultTags: { tags: { product: "it" } } });
  const bucket = new aws.s3.Bucket(name, { tags: { data } }, { provider });
  const versioningConfiguration = { status: "Enabled" };
  const versioning = { bucket: bucket.id, versioningConfiguration };
  new aws.s3.BucketVersioning(name, versioning, { provider });
}
