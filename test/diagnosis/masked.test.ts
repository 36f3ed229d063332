import { masked } from "../../diagnosis/masked.ts";

const password = 'pa"ss/wörd+1';

test.each([
  ["as it is", `connecting with ${password}`],
  ["in JSON", JSON.stringify({ password })],
  ["in a URL", `to db?p=${encodeURIComponent(password)}`],
  ["in base64", Buffer.from(password).toString("base64")],
])("a secret is cut out of a line, %s", (_, line) => {
  const [shown = ""] = masked([line], [password]);
  expect(shown).toContain("[secret]");
  expect(shown).not.toMatch(/ss\/w|ss%2Fw/);
});

test("a secret of several lines is cut out line by line, and one that holds another as a whole", () => {
  const key = "-----BEGIN KEY-----\nMIIabcdefgh\n-----END KEY-----\n";
  expect(masked(["MIIabcdefgh", "MIIabcdefghijkl"], [key, "MIIabcdefghijkl"])).toEqual([
    "[secret]",
    "[secret]",
  ]);
});

test("a line that looks like a credential is not shown, whoever it belongs to", () => {
  expect(masked(["dial postgres://ada:hidden@db/acme", "password=hidden"], [])).toEqual([
    "[a line with a URL with a password]",
    "[a line with a password assignment]",
  ]);
});

test("what is too short to be a secret leaves words whole", () => {
  expect(masked(["a note of a user"], ["a", ""])).toEqual(["a note of a user"]);
});
