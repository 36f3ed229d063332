import { hasComputed, Secret } from "../../../rehearsal/providers/properties.ts";
import { startProviders, type Providers } from "../../../rehearsal/providers/start.ts";
import { FakeEngine } from "./fake-engine.ts";

const password = { type: "random:index/randomPassword:RandomPassword" };
const id = { type: "random:index/randomId:RandomId" };

let providers: Providers;
let engine: FakeEngine;
beforeAll(async () => {
  providers = await startProviders({ only: ["random"] });
  engine = await FakeEngine.attach(providers.environment.PULUMI_DEBUG_PROVIDERS, "random");
});
afterAll(async () => {
  engine.close();
  await providers.stop();
});

async function draw(inputs: Parameters<FakeEngine["create"]>[1]): Promise<string> {
  const { outputs } = await engine.create(password, inputs);
  const { result } = outputs;
  if (!(result instanceof Secret)) throw new Error("the result is not secret");
  return result.value as string;
}

describe("RandomPassword", () => {
  it("draws another secret text of the wanted length each time", async () => {
    const drawn = await Promise.all([draw({ length: 24 }), draw({ length: 24 })]);
    expect(drawn.map(({ length }) => length)).toEqual([24, 24]);
    expect(drawn[0]).not.toBe(drawn[1]);
  });

  it.each([
    ["without special characters", { length: 200, special: false }, /^[A-Za-z0-9]+$/],
    ["with special characters of choice", { length: 200, overrideSpecial: "_" }, /^\w+$/],
    ["of digits alone", { length: 50, lower: false, upper: false, special: false }, /^\d+$/],
    ["with the wanted minimum", { length: 8, minNumeric: 8 }, /^\d{8}$/],
  ])("can be drawn %s", async (_case, inputs, expected) => {
    expect(await draw(inputs)).toMatch(expected);
  });

  it("refuses minimums that do not fit", async () => {
    await expect(draw({ length: 3, minLower: 4 })).rejects.toThrow(
      "length must be at least the sum of the minimums, 4, got 3",
    );
  });

  it("is not known in a preview", async () => {
    const { outputs } = await engine.create({ ...password, preview: true }, { length: 8 });
    expect(hasComputed(outputs["result"])).toBe(true);
  });

  it("is drawn anew when a keeper changes, and only then", async () => {
    const keep = (keeper: string) => ({ length: 8, keepers: { keeper } });
    expect((await engine.diff(password, keep("a"), keep("b"))).replaces).toEqual([
      "keepers.keeper",
    ]);
    expect((await engine.diff(password, keep("a"), keep("a"))).changed).toBe(false);
  });
});

describe("RandomId", () => {
  it("gives the same bytes in every notation", async () => {
    const { id: own, outputs } = await engine.create(id, { byteLength: 6, prefix: "p-" });
    const bytes = Buffer.from(own, "base64url");
    expect(bytes).toHaveLength(6);
    expect(outputs).toMatchObject({
      hex: `p-${bytes.toString("hex")}`,
      dec: `p-${bytes.readUIntBE(0, 6)}`,
      b64Url: `p-${own}`,
    });
  });
});

describe("the random stand-in", () => {
  it("refuses a type it does not have, by name", async () => {
    await expect(engine.check({ type: "random:index/randomPet:RandomPet" }, {})).rejects.toThrow(
      "the random stand-in has no random:index/randomPet:RandomPet",
    );
  });
});
