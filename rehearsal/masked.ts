/** How Pulumi marks values that are not plain data on their way to the engine. */
const signature = "4dabf18193072939515e22adb298388d";
const secret = "1b47061264138c4ac30d75fd1eb44270";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Plain data without secrets: each leaf of a secret is "[secret]", each value not known yet "[unknown]". */
export function mask(value: unknown): unknown {
  if (value === unknown) return "[unknown]";
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(mask);
  const fields = value as Record<string, unknown>;
  if (fields[signature] === secret) return hidden(fields["value"]);
  // A reference to another resource, an asset or an archive: nothing that a reader could compare.
  if (fields[signature] !== undefined) return "[reference]";
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, mask(field)]));
}

/** A secret hides its whole property: names inside it stay readable, values do not. */
function hidden(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return "[secret]";
  if (Array.isArray(value)) return value.map(hidden);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hidden(item)]));
}

/** Plain data as an export of the state holds it, secrets as what they are. */
export function shown(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(shown);
  const fields = value as Record<string, unknown>;
  // The engine writes a secret as the JSON of its value.
  if (fields[signature] === secret) return shown(JSON.parse(String(fields["plaintext"])));
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, shown(field)]));
}
