import { ApiError, Unreachable } from "../../diagnosis/api.ts";
import { stopMessage, whyStopped } from "../../rollback/stopped.ts";

test("says what stopped, why, and the command that goes back", () => {
  const stop = {
    ...{ stack: "production", release: "v1.1.0" },
    name: "north-backend",
    object: "Deployment acme/backend",
    causes: ["pod backend-1: ImagePullBackOff", "3 pods of backend are ready and serve"],
  };
  const ways = [
    { what: "go back to v1.0.0", commands: ["pulumi config set a b", "pulumi up"] },
    { what: "go back with the data", commands: ["restore", "pulumi up"] },
  ];
  expect(stopMessage(stop, ways)).toBe(
    [
      "v1.1.0 stopped at north-backend (Deployment acme/backend)",
      "  why:   pod backend-1: ImagePullBackOff",
      "         3 pods of backend are ready and serve",
      "  keep:  npm run release -- keep --stack production",
      "  back:  go back to v1.0.0",
      "         pulumi config set a b && pulumi up",
      "  or:    go back with the data",
      "         restore && pulumi up",
    ].join("\n"),
  );
});

test("says so where nothing is known, and where there is nothing to go back to", () => {
  expect(stopMessage({ stack: "production", release: "v1.0.0", name: "x", causes: [] }, [])).toBe(
    [
      "v1.0.0 stopped at x",
      "  why:   not known; the engine's message above is all there is",
      "  back:  nothing ran before; mend it and run it again",
    ].join("\n"),
  );
});

describe("why", () => {
  const denied =
    'resource "acme/backend" was not created:\n  admission webhook "policy.test" denied the request: no\n\n';
  const told = (ask: () => Promise<string[]>, errors = [denied, "an older one"]) =>
    whyStopped({ name: "north-backend", errors }, ask);

  test("is what the cluster says, where it says something", async () => {
    expect(await told(() => Promise.resolve(["pod backend-1: crashes"]))).toEqual([
      "pod backend-1: crashes",
    ]);
  });

  test.each([
    ["an object that is not there", () => Promise.resolve([])],
    ["an answer that is a refusal", () => Promise.reject(new ApiError(401, "", "who are you?"))],
  ])("is what the engine was told, for %s", async (_, ask) => {
    expect(await told(ask)).toEqual([
      'resource "acme/backend" was not created:',
      '  admission webhook "policy.test" denied the request: no',
    ]);
    const secret = "url postgres://app:hunter2@db/app\nend";
    expect(await told(ask, [secret])).toEqual(["[a line with a URL with a password]", "end"]);
    expect(await told(ask, [])).toEqual([]);
  });

  test("says of nothing but a silent cluster that it could not be asked", async () => {
    const silent = new Unreachable("https://a.test: no answer within 5 s");
    expect(await told(() => Promise.reject(silent))).toEqual([
      "the cluster of north-backend could not be asked: https://a.test: no answer within 5 s",
    ]);
  });
});
