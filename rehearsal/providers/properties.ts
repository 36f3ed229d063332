import structpb from "google-protobuf/google/protobuf/struct_pb.js";

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const computedSentinel = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A value that may be stored only encrypted and never printed. */
export class Secret {
  readonly value: PropertyValue;
  constructor(value: PropertyValue) {
    this.value = value;
  }
}

/** A value that is not known during a preview. */
export class Computed {
  static readonly value = new Computed();
}

export type PropertyValue =
  null | undefined | boolean | number | string | PropertyValue[] | PropertyMap | Secret | Computed;

export interface PropertyMap {
  [key: string]: PropertyValue;
}

export function isMap(value: unknown): value is PropertyMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Secret) &&
    !(value instanceof Computed)
  );
}

export function isList(value: PropertyValue): value is PropertyValue[] {
  return Array.isArray(value);
}

/** The value if it is a text. */
export function textOf(value: PropertyValue): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The map without some of its entries. */
export function omit(map: PropertyMap, ...keys: readonly string[]): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}

/** Reads the engine's wire form, keeping secrets and unknown values apart from plain ones. */
export function decode(struct: structpb.Struct | undefined): PropertyMap {
  const map: PropertyMap = {};
  struct?.getFieldsMap().forEach((value, key) => (map[key] = decodeValue(value)));
  return map;
}

function decodeValue(value: structpb.Value): PropertyValue {
  switch (value.getKindCase()) {
    case structpb.Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case structpb.Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case structpb.Value.KindCase.STRING_VALUE: {
      const text = value.getStringValue();
      return text === computedSentinel ? Computed.value : text;
    }
    case structpb.Value.KindCase.LIST_VALUE:
      return value.getListValue()?.getValuesList().map(decodeValue) ?? [];
    case structpb.Value.KindCase.STRUCT_VALUE: {
      const map = decode(value.getStructValue());
      return map[signatureKey] === secretSignature ? new Secret(map["value"]) : map;
    }
    case structpb.Value.KindCase.NULL_VALUE:
    case structpb.Value.KindCase.KIND_NOT_SET:
      return null;
  }
}

/** Writes the engine's wire form; undefined values are left out. */
export function encode(map: PropertyMap): structpb.Struct {
  const struct = new structpb.Struct();
  for (const [key, value] of Object.entries(map)) {
    if (value !== undefined) struct.getFieldsMap().set(key, encodeValue(value));
  }
  return struct;
}

function encodeValue(value: PropertyValue): structpb.Value {
  const wire = new structpb.Value();
  if (value === null || value === undefined) wire.setNullValue(structpb.NullValue.NULL_VALUE);
  else if (typeof value === "boolean") wire.setBoolValue(value);
  else if (typeof value === "number") wire.setNumberValue(value);
  else if (typeof value === "string") wire.setStringValue(value);
  else if (value instanceof Computed) wire.setStringValue(computedSentinel);
  else if (isList(value)) {
    wire.setListValue(new structpb.ListValue().setValuesList(value.map(encodeValue)));
  } else if (value instanceof Secret) {
    wire.setStructValue(encode({ [signatureKey]: secretSignature, value: value.value }));
  } else wire.setStructValue(encode(value));
  return wire;
}

/** The same value with every secret opened: for doing the work, never for storing or printing. */
export function reveal<T extends PropertyValue>(value: T): T;
export function reveal(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return reveal(value.value);
  if (isList(value)) return value.map((item) => reveal(item));
  if (isMap(value)) return mapValues(value, (item) => reveal(item));
  return value;
}

/** Whether anything inside is not known yet. */
export function hasComputed(value: PropertyValue): boolean {
  if (value instanceof Computed) return true;
  if (value instanceof Secret) return hasComputed(value.value);
  if (isList(value)) return value.some(hasComputed);
  return isMap(value) && Object.values(value).some(hasComputed);
}

/** Whether anything inside is secret. */
export function hasSecret(value: PropertyValue): boolean {
  if (value instanceof Secret) return true;
  if (isList(value)) return value.some(hasSecret);
  return isMap(value) && Object.values(value).some(hasSecret);
}

/** Hides in `value` whatever is secret at the same place in `pattern`. */
export function concealLike(value: PropertyValue, pattern: PropertyValue): PropertyValue {
  if (pattern instanceof Secret) return conceal(value);
  if (isList(pattern)) {
    // A list may come back longer or in another order: then one secret item hides the whole list.
    if (!hasSecret(pattern)) return value;
    if (!isList(value) || value.length !== pattern.length) return conceal(value);
    return value.map((item, index) => concealLike(item, pattern[index]));
  }
  if (!isMap(pattern) || !isMap(value)) return hasSecret(pattern) ? conceal(value) : value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, concealLike(item, pattern[key])]),
  );
}

export function conceal(value: PropertyValue): PropertyValue {
  return value === undefined || value instanceof Secret ? value : new Secret(value);
}

/** Every text inside a secret, for keeping it out of messages. */
export function secretTexts(value: PropertyValue, inside = false): string[] {
  if (value instanceof Secret) return secretTexts(value.value, true);
  if (typeof value === "string") return inside ? [value] : [];
  if (isList(value)) return value.flatMap((item) => secretTexts(item, inside));
  if (isMap(value)) return Object.values(value).flatMap((item) => secretTexts(item, inside));
  return [];
}

function mapValues(map: PropertyMap, change: (value: PropertyValue) => PropertyValue): PropertyMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}
