import { isList, isMap, textOf, type PropertyMap, type PropertyValue } from "../properties.ts";
import { accountId } from "./types.ts";

/** Answers a data source; undefined when the stand-in has no such function. */
export function callFunction(
  token: string,
  args: PropertyMap,
  region: string,
): PropertyMap | undefined {
  switch (token) {
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return {
        id: accountId,
        accountId,
        arn: `arn:aws:iam::${accountId}:user/stand-in`,
        userId: "STANDIN",
      };
    case "aws:index/getRegion:getRegion": {
      const name = args["region"] ?? region;
      return { id: name, name, region: name, endpoint: "", description: "" };
    }
    case "aws:index/getPartition:getPartition":
      return {
        id: "aws",
        partition: "aws",
        dnsSuffix: "amazonaws.com",
        reverseDnsPrefix: "com.amazonaws",
      };
    case "aws:iam/getPolicyDocument:getPolicyDocument": {
      const json = JSON.stringify(policyDocument(args), undefined, 2);
      return { ...args, id: "policy", json, minifiedJson: JSON.stringify(JSON.parse(json)) };
    }
    default:
      return undefined;
  }
}

function policyDocument(args: PropertyMap) {
  return {
    Version: args["version"] ?? "2012-10-17",
    Statement: mapsIn(args["statements"]).map((statement) => ({
      Sid: statement["sid"] ?? undefined,
      Effect: statement["effect"] ?? "Allow",
      Action: oneOrMany(statement["actions"]),
      NotAction: oneOrMany(statement["notActions"]),
      Resource: oneOrMany(statement["resources"]),
      NotResource: oneOrMany(statement["notResources"]),
      Principal: principals(statement["principals"]),
      NotPrincipal: principals(statement["notPrincipals"]),
      Condition: conditions(statement["conditions"]),
    })),
  };
}

function principals(value: PropertyValue) {
  const all = mapsIn(value);
  if (all.length === 0) return undefined;
  const everyone = all.find(
    ({ type, identifiers }) => type === "*" && oneOrMany(identifiers) === "*",
  );
  if (everyone !== undefined) return "*";
  return Object.fromEntries(
    all.map(({ type, identifiers }) => [textOf(type) ?? "", oneOrMany(identifiers)]),
  );
}

function conditions(value: PropertyValue) {
  const tests: Record<string, PropertyMap> = {};
  for (const condition of mapsIn(value)) {
    const [test = "", variable = ""] = [textOf(condition["test"]), textOf(condition["variable"])];
    tests[test] = { ...tests[test], [variable]: oneOrMany(condition["values"]) };
  }
  return Object.keys(tests).length === 0 ? undefined : tests;
}

function oneOrMany(value: PropertyValue): PropertyValue {
  if (!isList(value) || value.length === 0) return undefined;
  return value.length === 1 ? value[0] : value;
}

function mapsIn(value: PropertyValue): PropertyMap[] {
  return isList(value) ? value.filter(isMap) : [];
}
