import { sealOf } from "../../config/released.ts";
import { parseRelease } from "../../config/release.ts";
import { missingReleases } from "../../rollback/check/kept-releases.ts";
import { releasesOf, releaseText } from "../support/stack-files.ts";

const text = releaseText("v1.0.0");
const sealOfText = () => {
  const parsed = parseRelease("v1.0.0", text);
  if ("problems" in parsed) throw new Error("v1.0.0 is not valid");
  return sealOf(parsed.release);
};

test("nothing is said of files that are valid, sealed or not", () => {
  expect(missingReleases(releasesOf({ "v1.0.0": text }))).toEqual([]);
  expect(missingReleases(releasesOf({ "v1.0.0": text }, { "v1.0.0": sealOfText() }))).toEqual([]);
});

test("each problem of a file that is not valid any more is told, sealed or not", () => {
  const broken = text
    .replace(/^schema:/m, "schemas:")
    .replace(/^(\s+backend:) registry\S+/m, "$1 acme:latest");
  for (const seals of [{}, { "v1.0.0": sealOfText() }]) {
    const findings = missingReleases(releasesOf({ "v1.0.0": broken }, seals));
    expect(findings.map(({ rule, subject }) => [rule, subject])).toEqual([
      ["released file", expect.stringMatching(/^releases\/v1\.0\.0\.yaml: images\.backend$/)],
      ["released file", "releases/v1.0.0.yaml: schema"],
      ["released file", "releases/v1.0.0.yaml: schemas"],
    ]);
    for (const { reason, fix } of findings) {
      expect(reason).toMatch(/allowed is \w+/);
      expect(fix).not.toBe("");
    }
  }
  const unread = missingReleases(releasesOf({ "v1.0.0": "version: [" }));
  expect(unread.map(({ subject }) => subject)).toEqual([
    expect.stringMatching(/^releases\/v1\.0\.0\.yaml: line \d$/),
  ]);
});

test("a sealed release whose file is gone is told", () => {
  expect(missingReleases(releasesOf({}, { "v1.0.0": sealOfText() }))).toEqual([
    {
      rule: "released file",
      subject: "releases/v1.0.0.yaml",
      reason: expect.stringMatching(/is sealed .* no such file/),
      fix: expect.stringContaining("git log"),
    },
  ]);
});
