import { jest } from "@jest/globals";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

import { render } from "../../rehearsal/render.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "render-"));
  jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("render", () => {
  test("writes each region's objects as YAML, the rest as JSON, and no secret", async () => {
    const said = jest.spyOn(console, "log").mockImplementation(() => undefined);
    const target = join(folder, "new");
    await render("local", target);

    expect(readdirSync(target).sort()).toEqual(["aws", "eu-north-1", "eu-west-1", "other"]);
    const deployment = parse(
      readFileSync(join(target, "eu-west-1/deployment-backend.yaml"), "utf8"),
    ) as object;
    expect(deployment).toMatchObject({ apiVersion: "apps/v1", kind: "Deployment" });
    const bucket: unknown = JSON.parse(
      readFileSync(join(target, "aws/bucket-eu-north-1-archive.json"), "utf8"),
    );
    expect(bucket).toMatchObject({
      type: "aws:s3/bucket:Bucket",
      inputs: { region: "eu-north-1" },
      options: { protect: true, retainOnDelete: true, provider: "eu-north-1-providers-aws" },
    });
    const secret = readFileSync(join(target, "eu-north-1/secret-postgres-secret.yaml"), "utf8");
    expect(secret).toContain('POSTGRES_PASSWORD: "[secret]"');
    expect(said.mock.calls.flat().join("\n")).toMatch(/eu-north-1 +\d+ files/);
  }, 30_000);

  test("fails on an unknown stack and lists those there are", async () => {
    await expect(render("produktion", join(folder, "new"))).rejects.toThrow(
      /There is no stack "produktion": .* has local, production, staging/,
    );
  });

  test("fails on a folder that is not empty", async () => {
    writeFileSync(join(folder, "old.yaml"), "");
    await expect(render("local", folder)).rejects.toThrow("is not empty");
  });
});
