const suffixes: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/**
 * Bytes of a Kubernetes quantity such as "512Mi" or "20Gi".
 * Undefined if it is not one, is zero, or is not a whole number of bytes.
 */
export function bytes(quantity: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([kMGT]|[KMGT]i)?$/.exec(quantity);
  const amount = Number(match?.[1]) * (suffixes[match?.[2] ?? ""] ?? NaN);
  return Number.isInteger(amount) && amount > 0 ? amount : undefined;
}

/**
 * Thousandths of a CPU of a Kubernetes quantity such as "250m", "2" or "1.5".
 * Undefined if it is not one, is zero, or is finer than Kubernetes counts.
 */
export function millicores(quantity: string): number | undefined {
  const match = /^(?:(\d+)m|(\d+(?:\.\d{1,3})?))$/.exec(quantity);
  const amount = Math.round(Number(match?.[1] ?? Number(match?.[2]) * 1000));
  return amount > 0 ? amount : undefined;
}
