/** One broken rule, in the words of whoever has to repair it. */
export interface Violation {
  /** The offender: container, volume, rule or object, with its position in the inputs. */
  readonly where: string;
  /** Path of the field below `where`. */
  readonly field: string;
  /** What it holds. Left out where the value itself may be a secret. */
  readonly value?: unknown;
  /** Completes "must …". */
  readonly must: string;
  /** What to write instead, or where to change it. */
  readonly fix: string;
}

/** One sentence: where, field, value, what is allowed, how to repair it. */
export function explain(violation: Violation): string {
  const { where, field, must, fix } = violation;
  const found = "value" in violation ? `, found ${show(violation.value)}` : "";
  return `${where}: ${field} must ${must}${found}. ${fix}`;
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
