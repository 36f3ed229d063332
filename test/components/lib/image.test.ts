import { isPinnedImage } from "../../../components/lib/image.ts";

const digest = `sha256:${"a1".repeat(32)}`;

describe("a pinned image", () => {
  test.each([
    `postgres@${digest}`,
    `ghcr.io/org/app@${digest}`,
    `localhost:5000/a/b/c@${digest}`,
    `111122223333.dkr.ecr.eu-north-1.amazonaws.com/app__x/y-z@${digest}`,
  ])("is %s", (image) => {
    expect(isPinnedImage(image)).toBe(true);
  });

  test.each([
    "postgres",
    "postgres:15",
    "postgres:latest",
    `postgres:15@${digest}`,
    `r.test:5000/app:v1@${digest}`,
    `@${digest}`,
    `app@sha256:${"a1".repeat(31)}`,
    `app@sha256:${"A1".repeat(32)}`,
    `app@sha256:${"a1".repeat(33)}`,
    `app@sha512:${"a1".repeat(32)}`,
    `https://r.test/app@${digest}`,
    `r.test//app@${digest}`,
    `r.test/App@${digest}`,
    ` app@${digest}`,
    `app@${digest}\n`,
  ])("is not %j", (image) => {
    expect(isPinnedImage(image)).toBe(false);
  });
});
