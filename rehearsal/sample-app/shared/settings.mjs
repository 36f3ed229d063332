// @ts-check
// Settings from the environment, secrets from files: a missing one ends the program at once, with its name.
import { readFileSync } from "node:fs";

/** @param {string} message @returns {never} */
export function quit(message) {
  console.error(JSON.stringify({ level: "fatal", message }));
  process.exit(1);
}

/** @param {string} name */
export function setting(name) {
  const value = process.env[name];
  return value === undefined || value === "" ? quit(`${name} is not set`) : value;
}

/** @param {string} name */
export function wholeNumber(name) {
  const value = setting(name);
  return /^\d+$/.test(value)
    ? Number(value)
    : quit(`${name} must be a whole number, got "${value}"`);
}

/**
 * The content of the file a setting names, without the line end. The value itself is never part of a message.
 * @param {string} name
 */
export function secret(name) {
  const file = setting(name);
  try {
    const value = readFileSync(file, "utf8").trimEnd();
    return value === "" ? quit(`${name}: ${file} is empty`) : value;
  } catch (error) {
    return quit(
      `${name}: cannot read ${file} (${/** @type {NodeJS.ErrnoException} */ (error).code ?? ""})`,
    );
  }
}
