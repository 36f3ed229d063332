import { z } from "zod";

/** What a value must be, in words for the person who wrote another one. */
export interface Expectation {
  /** The values that are accepted, with an example. */
  readonly allowed: string;
  /** The next thing to do about it. */
  readonly fix: string;
}

/** A string that passes `test`. Missing and mistyped values fail with the same expectation. */
export function text(expectation: Expectation, test: RegExp | ((value: string) => boolean)) {
  const passes = (value: string) => (test instanceof RegExp ? test.test(value) : test(value));
  return z.custom<string>((value) => typeof value === "string" && passes(value), {
    params: expectation,
  });
}

/** A whole number between `min` and `max`, both included, counted in `unit`. */
export function whole(unit: string, min: number, max: number) {
  return between(`a whole number of ${unit}`, min, max);
}

/** A whole number between `min` and `max`, both included, that is no amount of anything. */
export function between(what: string, min: number, max: number) {
  return z.custom<number>(
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
    {
      params: {
        allowed: `${what} from ${String(min)} to ${String(max)}`,
        fix: "choose a number in this range; write it without quotes, unit or fraction",
      },
    },
  );
}

/** A switch of the configuration itself. */
export const flag = z.custom<boolean>((value) => typeof value === "boolean", {
  params: { allowed: "true or false", fix: "write true or false, without quotes" },
});

/** Between `min` and `max` values of one kind. */
export function list<Item extends z.ZodType>(item: Item, min: number, max: number) {
  return z.array(item).refine((entries) => entries.length >= min && entries.length <= max, {
    params: {
      allowed: `a list of ${String(min)} to ${String(max)} entries`,
      fix: "add what is missing, or remove what is too much",
    },
  });
}

/** An object of exactly these keys. The error for an unknown one lists them, joined by ", ". */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? keys : undefined),
  });
}
