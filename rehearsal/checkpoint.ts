import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/**
 * Forgets what a killed update had begun, in the engine's own file of its state. An export and an import of it would put
 * every secret in plain text into a file in between.
 */
export function clearPendingOperations(file: string): void {
  if (!existsSync(file)) return;
  const text = readFileSync(file, "utf8");
  // The state is large, and almost always there is nothing to forget.
  if (!text.includes('"pending_operations"')) return;
  const state = JSON.parse(text) as {
    checkpoint?: { latest?: { pending_operations?: unknown } | null };
  };
  delete state.checkpoint?.latest?.pending_operations;
  const draft = `${file}.draft`;
  writeFileSync(draft, JSON.stringify(state), { mode: 0o600 });
  renameSync(draft, file);
}
