import { UnknownValueError } from "@pulumi/policy";

/** False for a value that only the run itself will know; a preview throws when one is read. */
export function isKnown(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof UnknownValueError) return false;
    throw error;
  }
}
