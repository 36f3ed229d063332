import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { settingsIn, writePipSettings } from "../../../rehearsal/images/pip-settings.ts";

describe("pip's settings in an image's build", () => {
  test("are those about reaching an index, the environment's before a file's", () => {
    expect(
      settingsIn([
        ":env:.index-url='https://mirror.test/simple'",
        "global.index-url='https://pypi.test/simple'",
        "global.extra-index-url='https://one.test\\nhttps://two.test'",
        "global.break-system-packages='true'",
        "global.find-links='/opt/wheels'",
        "freeze.timeout='10'",
      ]),
    ).toEqual([
      ["index-url", "https://pypi.test/simple"],
      ["extra-index-url", "https://one.test\nhttps://two.test"],
      ["index-url", "https://mirror.test/simple"],
    ]);
  });

  test("name certificates where the build finds them, with a copy of the file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lifeline-pip-"));
    const path = process.env["PATH"] ?? "";
    try {
      const certificate = join(folder, "company.pem");
      writeFileSync(certificate, "a certificate");
      const pip = `#!/bin/sh\necho "global.cert='${certificate}'"\n`;
      writeFileSync(join(folder, "pip3"), pip, { mode: 0o755 });
      process.env["PATH"] = `${folder}:${path}`;
      await writePipSettings(join(folder, "settings"));
      const settings = readFileSync(join(folder, "settings/pip.conf"), "utf8");
      expect(settings).toMatch(/^\[global\]$/m);
      expect(settings).toMatch(/^cert = \/mnt\/cert$/m);
      expect(settings).not.toContain(folder);
      expect(readFileSync(join(folder, "settings/cert"), "utf8")).toBe("a certificate");
    } finally {
      process.env["PATH"] = path;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
