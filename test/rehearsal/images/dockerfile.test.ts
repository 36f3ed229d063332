import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import {
  parseDockerfile,
  parseJsonForm,
  parsePairs,
  substitute,
} from "../../../rehearsal/images/dockerfile.ts";

const repository = join(import.meta.dirname, "..", "..", "..");
const parse = (source: string) => parseDockerfile(source, "Dockerfile");

describe("parseDockerfile", () => {
  test("joins continued lines across comments and keeps the first line's number", () => {
    const [from, run] = parse(
      "# syntax=docker/dockerfile:1\n\nFROM scratch\nrun one && \\\n  # why\n  two\n",
    );
    expect(from).toMatchObject({ keyword: "FROM", text: "scratch", place: "Dockerfile:3" });
    expect(run).toMatchObject({ keyword: "RUN", text: "one && two", place: "Dockerfile:4" });
  });

  test("takes the options of COPY", () => {
    const [copy] = parse("COPY --chown=1:2 --chmod=755 a b /c/");
    expect(copy).toMatchObject({ text: "a b /c/" });
    expect(Object.fromEntries(copy?.flags ?? [])).toEqual({ chown: "1:2", chmod: "755" });
  });

  test.each([
    [
      "FROM scratch\nHEALTHCHECK NONE",
      "Dockerfile:2: HEALTHCHECK is not supported; supported are FROM, ARG, ENV, RUN, COPY",
    ],
    ["ADD https://example.com/x /x", "Dockerfile:1: ADD is not supported"],
    ["RUN --mount=type=cache,target=/x true", "Dockerfile:1: RUN --mount is not supported"],
    [
      "COPY --from=build /a /b",
      "Dockerfile:1: COPY --from is not supported; supported options are COPY --chown",
    ],
    ["FROM --platform=linux/arm64 scratch", "Dockerfile:1: FROM --platform is not supported"],
    ["FROM scratch\nRUN <<EOF\ntrue\nEOF", "Dockerfile:2: here-documents are not supported"],
    ["USER", "Dockerfile:1: USER needs an argument"],
  ])("refuses %p with file and line", (source, message) => {
    expect(() => parse(source)).toThrow(message);
  });

  test("every Dockerfile of this project stays within what is supported", () => {
    const files = globSync("{images,rehearsal}/**/Dockerfile", { cwd: repository });
    expect(files.length).toBeGreaterThanOrEqual(7);
    for (const file of files) parseDockerfile(readFileSync(join(repository, file), "utf8"), file);
  });
});

test.each(["node server.mjs", '"node"', "[1]"])(
  "CMD %s is refused: the shell form hides the process from signals",
  (text) => {
    const [cmd] = parse(`CMD ${text}`);
    expect(() => parseJsonForm(cmd!)).toThrow(
      'Dockerfile:1: CMD must be a JSON list such as ["program", "argument"], got',
    );
  },
);

test("values are put into both forms of a name", () => {
  expect(
    substitute(
      "$A/${B}c",
      new Map([
        ["A", "x"],
        ["B", "y"],
      ]),
      "F:1",
    ),
  ).toBe("x/yc");
});

test.each(["$MISSING", "${MISSING}", "${A:-b}"])("%s without a value is refused", (text) => {
  expect(() => substitute(text, new Map([["A", "x"]]), "F:1")).toThrow(`F:1: ${text} has no value`);
});

test("pairs may be quoted", () => {
  expect([...parsePairs(`A=1 B="two words" C='3'`, "F:1")]).toEqual([
    ["A", "1"],
    ["B", "two words"],
    ["C", "3"],
  ]);
});
