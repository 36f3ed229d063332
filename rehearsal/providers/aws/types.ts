import { createHash, randomBytes, randomUUID } from "node:crypto";
import { textOf, type PropertyMap, type PropertyValue } from "../properties.ts";

/** The pretended account: the one AWS uses in its own documentation. */
export const accountId = "123456789012";

export interface Creation {
  readonly inputs: PropertyMap;
  readonly region: string;
  /** Logical name in the program. */
  readonly name: string;
}

/** What the stand-in knows of a type. */
export interface TypeRule {
  /** Inputs that an existing resource cannot take over. */
  readonly replacing: readonly string[];
  /** Input that gets a generated value when the program sets none. */
  readonly autoname?: string;
  /** One name for the whole world. */
  readonly unique?: boolean;
  /** Id and computed outputs of a new resource. */
  readonly make: (creation: Creation) => { readonly id: string; readonly outputs: PropertyMap };
}

/** Services whose resources live in no region. */
const globalServices = ["iam", "route53", "cloudfront"];

export function isGlobal(type: string): boolean {
  return globalServices.includes(serviceOf(type));
}

/** The rule of a type; undefined when there is none of its own. */
export function ruleOf(type: string): TypeRule | undefined {
  // `BucketVersioning` and its kin are settings of one bucket: they live and die with its name.
  return rules[type] ?? (/^aws:s3\/bucket\w+:/.test(type) ? bucketSetting : undefined);
}

/** For a type without a rule of its own: created with a plausible ARN, changed in place. */
export function genericRule(type: string): TypeRule {
  const [, path = ""] = type.split(":");
  const service = serviceOf(type);
  const kind = path.split("/")[1] ?? path;
  return {
    replacing: ["name", "namePrefix"],
    make: ({ inputs, region, name }) => {
      const id = `${textIn(inputs["name"]) || name}-${randomBytes(4).toString("hex")}`;
      return { id, outputs: { arn: arn(service, region, `${kind}/${id}`) } };
    },
  };
}

const bucketSetting: TypeRule = {
  replacing: ["bucket", "expectedBucketOwner"],
  make: ({ inputs }) => ({ id: textIn(inputs["bucket"]), outputs: {} }),
};

const rules: Record<string, TypeRule> = {
  "aws:s3/bucket:Bucket": {
    replacing: ["bucket", "bucketPrefix", "objectLockEnabled"],
    autoname: "bucket",
    unique: true,
    make: ({ inputs, region }) => {
      const bucket = textIn(inputs["bucket"]);
      return {
        id: bucket,
        outputs: {
          arn: `arn:aws:s3:::${bucket}`,
          bucketDomainName: `${bucket}.s3.amazonaws.com`,
          bucketRegion: region,
          bucketRegionalDomainName: `${bucket}.s3.${region}.amazonaws.com`,
        },
      };
    },
  },
  "aws:kms/key:Key": {
    replacing: ["customerMasterKeySpec", "customKeyStoreId", "keyUsage", "multiRegion"],
    make: ({ inputs, region }) => {
      const multiRegion = inputs["multiRegion"] === true;
      const keyId = multiRegion ? `mrk-${randomBytes(16).toString("hex")}` : randomUUID();
      return { id: keyId, outputs: { keyId, arn: arn("kms", region, `key/${keyId}`) } };
    },
  },
  "aws:kms/replicaKey:ReplicaKey": {
    replacing: ["primaryKeyArn"],
    make: ({ inputs, region }) => {
      const keyId = textIn(inputs["primaryKeyArn"]).split("/").at(-1) ?? "";
      return { id: keyId, outputs: { keyId, arn: arn("kms", region, `key/${keyId}`) } };
    },
  },
  "aws:kms/alias:Alias": {
    replacing: ["name", "namePrefix"],
    make: ({ inputs, region }) => {
      const alias = textIn(inputs["name"]);
      const targetKeyArn = arn("kms", region, `key/${textIn(inputs["targetKeyId"])}`);
      return { id: alias, outputs: { arn: arn("kms", region, alias), targetKeyArn } };
    },
  },
  "aws:iam/role:Role": {
    replacing: ["name", "namePrefix", "path"],
    autoname: "name",
    make: ({ inputs }) => {
      const path = textIn(inputs["path"]) || "/";
      const role = textIn(inputs["name"]);
      const uniqueId = `AROA${awsId(role, 17)}`;
      return { id: role, outputs: { uniqueId, arn: arn("iam", "", `role${path}${role}`) } };
    },
  },
  "aws:iam/policy:Policy": {
    replacing: ["description", "name", "namePrefix", "path"],
    autoname: "name",
    make: ({ inputs }) => {
      const path = textIn(inputs["path"]) || "/";
      const policyArn = arn("iam", "", `policy${path}${textIn(inputs["name"])}`);
      const policyId = `ANPA${awsId(policyArn, 17)}`;
      return { id: policyArn, outputs: { arn: policyArn, policyId, attachmentCount: 0 } };
    },
  },
  "aws:iam/rolePolicy:RolePolicy": {
    replacing: ["name", "namePrefix", "role"],
    autoname: "name",
    make: ({ inputs }) => ({
      id: `${textIn(inputs["role"])}:${textIn(inputs["name"])}`,
      outputs: {},
    }),
  },
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
    replacing: ["role", "policyArn"],
    make: ({ inputs }) => ({
      id: `${textIn(inputs["role"])}-${awsId(textIn(inputs["policyArn"]), 26).toLowerCase()}`,
      outputs: {},
    }),
  },
  "aws:route53/zone:Zone": {
    replacing: ["name", "delegationSetId"],
    make: ({ inputs }) => {
      const zoneId = `Z${awsId(randomUUID(), 20)}`;
      const servers = ["com", "net", "org", "co.uk"];
      const nameServers = servers.map((end, index) => `ns-${index + 1}.awsdns-0${index}.${end}`);
      const outputs = { zoneId, nameServers, primaryNameServer: nameServers[0] };
      return {
        id: zoneId,
        outputs: {
          ...outputs,
          name: inputs["name"],
          arn: `arn:aws:route53:::hostedzone/${zoneId}`,
        },
      };
    },
  },
  "aws:route53/record:Record": {
    // A changed type or setIdentifier is one transaction of delete and create: no replacement.
    replacing: ["zoneId", "name"],
    make: ({ inputs }) => {
      const { zoneId, name, type, setIdentifier } = inputs;
      const parts = [zoneId, name, type, setIdentifier].map(textIn).filter((part) => part !== "");
      return { id: parts.join("_"), outputs: { fqdn: textIn(name) } };
    },
  },
  "aws:route53/healthCheck:HealthCheck": {
    replacing: ["measureLatency", "referenceName", "requestInterval", "routingControlArn", "type"],
    make: () => {
      const id = randomUUID();
      return { id, outputs: { arn: `arn:aws:route53:::healthcheck/${id}` } };
    },
  },
  "aws:eks/podIdentityAssociation:PodIdentityAssociation": {
    replacing: ["clusterName", "namespace", "serviceAccount"],
    make: ({ inputs, region }) => {
      const associationId = `a-${randomBytes(8).toString("hex")}`;
      const path = `podidentityassociation/${textIn(inputs["clusterName"])}/${associationId}`;
      const associationArn = arn("eks", region, path);
      return { id: associationId, outputs: { associationId, associationArn } };
    },
  },
};

function arn(service: string, region: string, resource: string): string {
  return `arn:aws:${service}:${region}:${accountId}:${resource}`;
}

/** Capital letters and digits, as in AWS ids; the same for the same seed. */
function awsId(seed: string, length: number): string {
  const digits = BigInt(`0x${createHash("sha256").update(seed).digest("hex")}`).toString(36);
  return digits.toUpperCase().slice(0, length);
}

function serviceOf(type: string): string {
  return type.split(":")[1]?.split("/")[0] ?? "";
}

function textIn(value: PropertyValue): string {
  return textOf(value) ?? "";
}
