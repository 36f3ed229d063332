import { randomBytes, randomInt } from "node:crypto";
import { differences } from "./difference.ts";
import { reveal, Secret, Computed, type PropertyMap } from "./properties.ts";
import { unsupported, type Provider, type StandIn } from "./stand-in.ts";

/** Stand-in for the `random` plugin: draws from the operating system's generator, as that does. */
export const random: StandIn = {
  name: "random",
  open: () => provider,
};

interface Generated {
  readonly id: string;
  readonly outputs: PropertyMap;
}

const generators: Record<string, (inputs: PropertyMap) => Generated> = {
  "random:index/randomPassword:RandomPassword": (inputs) => {
    return { id: "none", outputs: { result: new Secret(drawText(inputs)) } };
  },
  "random:index/randomString:RandomString": (inputs) => {
    const result = drawText(inputs);
    return { id: result, outputs: { result } };
  },
  "random:index/randomId:RandomId": ({ byteLength, prefix }) => {
    const bytes = randomBytes(positive("byteLength", byteLength));
    const prefixed = (text: string) => (typeof prefix === "string" ? prefix : "") + text;
    const hex = bytes.toString("hex");
    return {
      id: bytes.toString("base64url"),
      outputs: {
        hex: prefixed(hex),
        dec: prefixed(BigInt(`0x${hex}`).toString()),
        b64Std: prefixed(bytes.toString("base64")),
        b64Url: prefixed(bytes.toString("base64url")),
      },
    };
  },
};

/** Known in a preview already: nothing of a generated value is, except its shape. */
const outputNames: Record<string, readonly string[]> = {
  "random:index/randomPassword:RandomPassword": ["result"],
  "random:index/randomString:RandomString": ["result"],
  "random:index/randomId:RandomId": ["hex", "dec", "b64Std", "b64Url"],
};

const provider: Provider = {
  configure: () => undefined,
  check: ({ type, news }) => {
    if (generators[type] === undefined) throw unsupported("random", type);
    return { inputs: news };
  },
  diff: ({ oldInputs, news }) => {
    // Every input, keepers included, takes part in the draw: another one is another value.
    const found = differences(oldInputs, news);
    return { differences: found, replaces: found };
  },
  create: ({ type, inputs, preview }) => {
    const generate = generators[type];
    if (generate === undefined) throw unsupported("random", type);
    if (preview) {
      const names = outputNames[type] ?? [];
      const unknown = Object.fromEntries(names.map((name) => [name, Computed.value]));
      return { id: "", outputs: { ...inputs, ...unknown } };
    }
    const { id, outputs } = generate(reveal(inputs));
    return { id, outputs: { ...inputs, ...outputs } };
  },
  read: ({ id, inputs, outputs }) => ({ id, inputs: inputs ?? {}, outputs }),
  update: ({ oldOutputs, inputs }) => ({ ...oldOutputs, ...inputs }),
  delete: () => undefined,
};

const alphabets = [
  { use: "lower", minimum: "minLower", characters: "abcdefghijklmnopqrstuvwxyz" },
  { use: "upper", minimum: "minUpper", characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
  { use: "numeric", minimum: "minNumeric", characters: "0123456789" },
  { use: "special", minimum: "minSpecial", characters: "!@#$%&*()-_=+[]{}<>:?" },
] as const;

/** Text of the wanted length, with at least the wanted number of each kind of character. */
function drawText(inputs: PropertyMap): string {
  const length = positive("length", inputs["length"]);
  const drawn: string[] = [];
  let allowed = "";
  for (const { use, minimum, characters } of alphabets) {
    const override = use === "special" ? inputs["overrideSpecial"] : undefined;
    const own = typeof override === "string" ? override : characters;
    const wanted = inputs[use] ?? (use === "numeric" ? inputs["number"] : undefined) ?? true;
    if (wanted === true) allowed += own;
    const least = Number(inputs[minimum] ?? 0);
    for (let count = 0; count < least; count++) drawn.push(drawOne(own));
  }
  if (drawn.length > length) {
    throw new Error(
      `length must be at least the sum of the minimums, ${drawn.length}, got ${length}`,
    );
  }
  if (allowed === "") throw new Error("lower, upper, numeric or special must be true, got none");
  while (drawn.length < length) drawn.push(drawOne(allowed));
  return shuffle(drawn).join("");
}

function drawOne(characters: string): string {
  return characters.charAt(randomInt(characters.length));
}

function shuffle(items: readonly string[]): string[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(randomInt(rest.length), 1));
}

function positive(field: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
  throw new Error(`${field} must be a whole number above 0, got ${JSON.stringify(value)}`);
}
