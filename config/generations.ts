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
export function dataTarget({ postgres, activeRegion }: Pick<Config, "postgres" | "activeRegion">) {
  const { generations } = postgres;
  const { storage = "", from: source } = generations.at(-1) ?? {};
  const from = originOf(source);
  return {
    ...{ generation: generations.length, storage, region: activeRegion },
    ...(from !== undefined && { from, of: source?.generation ?? generations.length - 1 }),
  };
}
