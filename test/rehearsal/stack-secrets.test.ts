import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setStackSecrets } from "../../rehearsal/stack-secrets.ts";

/** A pulumi that notes its arguments and what it was told, and ends as `script` says. */
function pulumiThat(script: string) {
  const folder = mkdtempSync(join(tmpdir(), "lifeline-secrets-"));
  const pulumi = join(folder, "pulumi");
  writeFileSync(pulumi, `#!/bin/sh\necho "$@" >> arguments\n${script}\n`);
  chmodSync(pulumi, 0o755);
  const cli = { pulumi, projectFolder: folder, environment: { PULUMI_HOME: "home of it" } };
  return { cli, noted: (name: string) => readFileSync(join(folder, name), "utf8") };
}

describe("secrets of a stack", () => {
  it("reach the engine one after the other, and never by its command line", async () => {
    const { cli, noted } = pulumiThat('cat >> told; echo "|$PULUMI_HOME" >> told');
    await setStackSecrets(cli, "local", { "lifeline:one": '{"a":"1"}', "lifeline:two": "hidden" });
    expect(noted("told")).toBe('{"a":"1"}|home of it\nhidden|home of it\n');
    expect(noted("arguments")).toBe(
      ["one", "two"]
        .map((key) => `config set --secret lifeline:${key} --stack local --non-interactive\n`)
        .join(""),
    );
  });

  it("are not quoted when the engine refuses them, even if it quotes them itself", async () => {
    const { cli } = pulumiThat('echo "error: no passphrase for $(cat)" >&2; exit 255');
    const failure = setStackSecrets(cli, "local", { "lifeline:one": "hidden" });
    await expect(failure).rejects.toThrow(
      "lifeline:one: cannot be set, as pulumi config set --secret says: error: no passphrase for [secret]",
    );
  });

  it("are not waited for by an engine that ends before it reads them", async () => {
    const { cli } = pulumiThat("exit 1");
    const failure = setStackSecrets(cli, "local", { "lifeline:one": "x".repeat(1_000_000) });
    await expect(failure).rejects.toThrow("lifeline:one: cannot be set");
  });
});
