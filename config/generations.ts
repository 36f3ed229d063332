import type { Config, Generation } from "./schema.ts";

/** Where the data of a generation comes from, as one of three. */
export type Origin =
  { readonly point: string } | { readonly time: string } | { readonly latest: true };

/** The origin of a generation that was checked; the first one has none. */
export function originOf(from: Generation["from"]): Origin | undefined {
  if (from === undefined) return undefined;
  if (from.point !== undefined) return { point: from.point };
  return from.time === undefined ? { latest: true } : { time: from.time };
}

/** The generation that serves. */
export function dataTarget({ postgres }: Pick<Config, "postgres">) {
  const { generations } = postgres;
  const { storage = "", from: source } = generations.at(-1) ?? {};
  const from = originOf(source);
  return { generation: generations.length, storage, ...(from !== undefined && { from }) };
}
