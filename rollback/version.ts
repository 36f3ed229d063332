/** Less than zero when release `a` is older than `b`; a pre-release is older than its release. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [parts(a), parts(b)];
  for (const index of [0, 1, 2]) {
    const difference = (one.numbers[index] ?? 0) - (other.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (one.suffix === other.suffix) return 0;
  if (one.suffix === "" || other.suffix === "") return one.suffix === "" ? 1 : -1;
  return one.suffix.localeCompare(other.suffix, "en", { numeric: true });
}

/** The next version that only repairs something, and that no release has. */
export function nextPatch(version: string, taken: readonly string[]): string {
  const [major = 0, minor = 0, patch = 0] = parts(version).numbers;
  const next = `v${String(major)}.${String(minor)}.${String(patch + 1)}`;
  return taken.includes(next) ? nextPatch(next, taken) : next;
}

function parts(version: string): { numbers: number[]; suffix: string } {
  const [numbers = "", ...suffix] = version.replace(/^v/, "").split("-");
  return { numbers: numbers.split(".").map(Number), suffix: suffix.join("-") };
}
