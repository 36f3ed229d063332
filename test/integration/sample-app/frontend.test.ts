import { jest } from "@jest/globals";

import { Service } from "./support/program.ts";

jest.setTimeout(30_000);

describe("the frontend", () => {
  let frontend: Service;
  beforeAll(async () => {
    frontend = await Service.start("frontend/server.mjs", {
      TITLE: "Tom & <Jerry>",
      RELEASE_VERSION: "v2.3.4",
    });
  });
  afterAll(async () => {
    await frontend.stop();
  });

  test("shows its release and configuration, safely, and asks the backend from the browser", async () => {
    const reply = await fetch(`${frontend.origin}/`);
    const html = await reply.text();
    expect(reply.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(html).toContain("v2.3.4");
    expect(html).toContain("<h1>Tom &#38; &#60;Jerry&#62;</h1>");
    expect(html).toContain('fetch("/api/health")');
  });

  test("is ready without the backend", async () => {
    expect((await frontend.get("/readyz")).status).toBe(200);
  });

  test("answers 404 and 405 for what it does not have", async () => {
    expect((await frontend.get("/nothing")).status).toBe(404);
    expect((await frontend.post("/", "")).status).toBe(405);
  });
});
