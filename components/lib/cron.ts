const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const fields: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];

/** True for a five-field cron expression as a Kubernetes CronJob reads it; no `@daily`, no `TZ=`. */
export function isCron(expression: string): boolean {
  const parts = expression.split(" ");
  return (
    parts.length === fields.length &&
    fields.every((field, at) => parts[at]?.split(",").every((part) => isPart(part, field)) ?? false)
  );
}

function isPart(part: string, field: Field): boolean {
  const [range = "", step, ...rest] = part.split("/");
  if (rest.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return false;
  if (range === "*") return true;
  const bounds = range.split("-").map((bound) => number(bound, field));
  const [from, to = from] = bounds;
  return bounds.length <= 2 && from !== undefined && to !== undefined && from <= to;
}

function number(text: string, { min, max, names = [] }: Field): number | undefined {
  const named = names.indexOf(text.toLowerCase());
  if (named !== -1) return named + min;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : undefined;
}
