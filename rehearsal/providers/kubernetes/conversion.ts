import {
  conceal,
  concealLike,
  isList,
  isMap,
  omit,
  reveal,
  textOf,
  type PropertyMap,
  type PropertyValue,
} from "../properties.ts";
import type { KubernetesObject } from "./object.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** The object to send to the API: secrets opened, nulls left out. */
export function toObject(inputs: PropertyMap): KubernetesObject {
  const object = withoutNulls(reveal(inputs)) as PropertyMap;
  const { stringData, ...rest } = object;
  if (object["kind"] !== "Secret" || !isMap(stringData)) return asObject(object);
  // As `data`, a removed key is really removed by server-side apply.
  const encoded = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(textOf(text) ?? "").toString("base64"),
  ]);
  const data = isMap(rest["data"]) ? rest["data"] : {};
  return asObject({ ...rest, data: { ...data, ...(Object.fromEntries(encoded) as PropertyMap) } });
}

/** The object as resource outputs: what is secret in the inputs stays secret. */
export function toOutputs(live: KubernetesObject, inputs: PropertyMap): PropertyMap {
  const plain = toMap(live);
  const metadata = omit(toMap(live.metadata), "managedFields");
  const { annotations } = metadata;
  // kubectl leaves a copy of the whole object, secrets in plain text.
  if (isMap(annotations)) metadata["annotations"] = omit(annotations, lastApplied);
  plain["metadata"] = metadata;
  const outputs = concealLike(plain, inputs) as PropertyMap;
  return live.kind === "Secret" ? hideSecretData(outputs) : outputs;
}

/** A Secret's content is secret, whether or not the program marks it so. */
export function hideSecretData(map: PropertyMap): PropertyMap {
  const { data, stringData, ...rest } = map;
  return {
    ...rest,
    ...(data === undefined ? {} : { data: conceal(data) }),
    ...(stringData === undefined ? {} : { stringData: conceal(stringData) }),
  };
}

/** The inputs as they stand in the live object: a refresh finds drift this way. */
export function liveInputs(live: KubernetesObject, inputs: PropertyMap): PropertyMap {
  // The API never gives `stringData` back.
  const { stringData, ...others } = inputs;
  const found = project(toMap(live), reveal(others));
  const kept = stringData === undefined ? {} : { stringData };
  return { ...(concealLike(found, others) as PropertyMap), ...kept };
}

/** All a program would have to say to make this object: for imports. */
export function importedInputs(live: KubernetesObject): PropertyMap {
  const { name, namespace, labels, annotations } = live.metadata;
  const metadata = { name, namespace, labels, annotations };
  const map = withoutNulls({ ...omit(toMap(live), "status"), metadata }) as PropertyMap;
  return live.kind === "Secret" ? hideSecretData(map) : map;
}

function project(live: PropertyValue, pattern: PropertyValue): PropertyValue {
  if (isList(live) && isList(pattern) && live.length === pattern.length) {
    return live.map((item, index) => project(item, pattern[index]));
  }
  if (!isMap(live) || !isMap(pattern)) return live;
  const entries = Object.entries(pattern).flatMap(([key, inner]) =>
    live[key] === undefined ? [] : [[key, project(live[key], inner)] as const],
  );
  return Object.fromEntries(entries);
}

function withoutNulls(value: PropertyValue): PropertyValue {
  if (isList(value)) return value.map(withoutNulls);
  if (!isMap(value)) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutNulls(item)]));
}

/** A shallow copy, as the properties that every JSON object is. */
function toMap(value: object): PropertyMap {
  return { ...value };
}

function asObject(map: PropertyMap): KubernetesObject {
  return { ...map, metadata: map["metadata"] ?? {} } as unknown as KubernetesObject;
}
