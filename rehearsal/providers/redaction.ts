import { secretTexts, type PropertyValue } from "./properties.ts";

/** Texts shorter than this are too common to be cut out of a message. */
const shortest = 4;

/** Remembers every secret it is shown and cuts them out of messages, also in base64. */
export class Redaction {
  readonly #texts = new Set<string>();

  learn(value: PropertyValue): void {
    for (const text of secretTexts(value)) {
      for (const form of [text, ...text.split("\n"), toBase64(text), fromBase64(text)]) {
        if (form.trim().length >= shortest) this.#texts.add(form.trim());
      }
    }
  }

  apply(message: string): string {
    // Longest first: a short secret must not break up a longer one that contains it.
    const texts = [...this.#texts].sort((one, other) => other.length - one.length);
    return texts.reduce((text, secret) => text.replaceAll(secret, "[secret]"), message);
  }
}

const toBase64 = (text: string) => Buffer.from(text).toString("base64");

function fromBase64(text: string): string {
  const decoded = Buffer.from(text, "base64").toString();
  return toBase64(decoded) === text ? decoded : "";
}
