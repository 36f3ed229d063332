import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseConfig } from "../../config/parse.ts";
import { ConfigError, type Problem } from "../../config/problems.ts";
import { environmentOf, parseRelease, releaseFiles, type Release } from "../../config/release.ts";
import { sealOf, type Seals, unsealed } from "../../config/released.ts";
import { releasesOf, releaseText, stackConfig } from "../support/stack-files.ts";

const text = releaseText("v1.0.0");
const release = (content: string): Release => {
  const parsed = parseRelease("v1.0.0", content);
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.release;
};
const seals: Seals = { "v1.0.0": sealOf(release(text)) };

/** What is wrong with a release file of this content; nothing, if it is accepted. */
function problems(content: string): readonly Problem[] {
  try {
    parseConfig("production", stackConfig("production"), releasesOf({ "v1.0.0": content }, seals));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("a release that was released", () => {
  test("is accepted as it was, whatever its comments and the order of its keys", () => {
    expect(problems(text)).toEqual([]);
    expect(problems(`# looked at again\n${text}`)).toEqual([]);
    const [head = "", schema = ""] = text.split("# The schema versions");
    expect(problems(`#${schema}${head}`)).toEqual([]);
  });

  test("is refused with a changed value, naming field, value, what is allowed and the fix", () => {
    const [problem, ...others] = problems(text.replace("LOG_LEVEL: info", "LOG_LEVEL: debug"));
    expect(others).toEqual([]);
    expect(problem).toEqual({
      field: "releases/v1.0.0.yaml: config.backend.LOG_LEVEL",
      value: '"debug"',
      allowed: expect.stringMatching(/^what was released, with the checksum [0-9a-f]{10}$/),
      fix: expect.stringContaining("npm run release -- new <version> --from v1.0.0"),
    });
  });

  test("is refused with a value more, and with a value less", () => {
    expect(
      problems(text.replace("LOG_LEVEL: info", "LOG_LEVEL: info\n    EXTRA: x")),
    ).toMatchObject(
      [{ field: "releases/v1.0.0.yaml: config.backend.EXTRA", allowed: /nothing/ }].map((it) => ({
        ...it,
        allowed: expect.stringMatching(it.allowed),
      })),
    );
    expect(problems(text.replace("    TITLE: Gravl\n", "    {}\n"))).toMatchObject([
      { field: "releases/v1.0.0.yaml: config.frontend.TITLE", value: "(missing)" },
    ]);
  });

  test("is refused with a widened schema window", () => {
    expect(problems(text.replace("max: 1", "max: 9"))).toMatchObject([
      { field: "releases/v1.0.0.yaml: schema.max", value: "9" },
    ]);
  });

  test("is guarded by released.json in the folder of the releases", () => {
    const folder = mkdtempSync(join(tmpdir(), "released-"));
    try {
      writeFileSync(join(folder, "v1.0.0.yaml"), text.replace("info", "debug"));
      const files = releaseFiles(folder);
      expect(files.seals()).toEqual({});
      writeFileSync(join(folder, "released.json"), JSON.stringify(seals));
      expect(files.versions()).toEqual(["v1.0.0"]);
      expect(() => parseConfig("production", stackConfig("production"), files)).toThrow(
        "config.backend.LOG_LEVEL",
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("stays sealed: neither its seal nor the whole entry can be taken back", () => {
    expect(unsealed(seals, { ...seals, "v1.1.0": { version: "0" } })).toEqual([]);
    expect(unsealed(seals, {})).toEqual(["v1.0.0"]);
    expect(
      unsealed(seals, { "v1.0.0": { ...seals["v1.0.0"], "schema.max": "0123456789" } }),
    ).toEqual(["v1.0.0"]);
  });
});

test("a feature is one switch that backend and frontend see alike", () => {
  const switched = release(
    text
      .replace('    FEATURE_PINNED_NOTES: "false"\n', "")
      .replace("\nschema:", "\nfeatures: { pinned-notes: on, dark-mode: off }\nschema:"),
  );
  expect(environmentOf(switched, "backend")).toEqual({
    LOG_LEVEL: "info",
    FEATURE_PINNED_NOTES: "true",
    FEATURE_DARK_MODE: "false",
  });
  expect(environmentOf(switched, "frontend")).toMatchObject({ FEATURE_PINNED_NOTES: "true" });
});
