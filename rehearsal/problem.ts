/** Exit codes of every command; CONTRIBUTING.md lists them. */
export const exitCode = { failed: 1, usage: 2, cannotRun: 3, busy: 4 } as const;

/** Something the user can act on: printed as its message alone, without a stack. */
export class Problem extends Error {
  readonly code: number;

  constructor(message: string, code: number = exitCode.failed) {
    super(message);
    this.name = "Problem";
    this.code = code;
  }
}
