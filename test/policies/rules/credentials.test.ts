import {
  noCredentialLiterals,
  noStaticAwsKeys,
  secretsAsFiles,
} from "../../../policies/rules/credentials.ts";
import { violations } from "../support/judge.ts";
import {
  configMap,
  containerLists,
  secret,
  withPodChange,
  workload,
  workloadKinds,
} from "../support/resources.ts";

const fromSecret = { secretKeyRef: { name: "app-secret", key: "JWT_SECRET" } };

describe("secrets as files", () => {
  test.each(workloadKinds)("allow a %s that reads files", (kind) => {
    expect(violations(secretsAsFiles, workload(kind))).toEqual([]);
  });

  describe.each(containerLists)("refuse %s", (list) => {
    test.each([
      ["a plain secret", { name: "JWT_SECRET", value: "canary-value" }],
      ["a secret from a Secret", { name: "JWT", valueFrom: fromSecret }],
      ["a nameless variable", { value: "canary-value" }],
    ])("with %s in the environment", (_description, variable) => {
      const messages = violations(
        secretsAsFiles,
        withPodChange("Deployment", [list, 0, "env", 0], variable),
      );
      expect(messages).toHaveLength(1);
      expect(messages[0]).not.toContain("canary-value");
    });

    test("with a whole Secret in the environment", () => {
      const sources = [{ secretRef: { name: "app-secret" } }];
      const broken = withPodChange("Deployment", [list, 0, "envFrom"], sources);
      expect(violations(secretsAsFiles, broken)).toHaveLength(1);
    });
  });

  test.each([
    "POSTGRES_PASSWORD",
    "PGPASSWORD",
    "GITHUB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "STRIPE_API_KEY",
    "TLS_PRIVATE_KEY",
    "DB_CREDENTIALS",
    "apiKey",
    "clientSecret",
  ])("recognise %s", (name) => {
    const pod = withPodChange("Pod", ["containers", 0, "env", 0], { name, value: "x" });
    expect(violations(secretsAsFiles, pod)).toHaveLength(1);
    expect(violations(secretsAsFiles, configMap({ [name]: "x" }))).toHaveLength(1);
  });

  test.each(["PORT", "POSTGRES_PASSWORD_FILE", "TOKEN_TTL", "SECRET_NAME", "KEYBOARD"])(
    "let %s be",
    (name) => {
      const pod = withPodChange("Pod", ["containers", 0, "env", 0], { name, value: "x" });
      expect(violations(secretsAsFiles, pod)).toEqual([]);
      expect(violations(secretsAsFiles, configMap({ [name]: "x" }))).toEqual([]);
    },
  );
});

const literals: readonly [string, string][] = [
  ["an AWS access key", `key: AKIA${"ABCDEFGH".repeat(2)}`],
  ["a private key", "-----BEGIN EC PRIVATE KEY-----\nMHc"],
  ["a URL with a password", "postgres://app:canary@postgres:5432/app"],
  ["a GitHub token", `ghp_${"a1B2".repeat(9)}`],
  ["a JSON web token", `eyJ${"hbGciOiJI"}.eyJ${"zdWIiOiIx"}.c2ln`],
  ["a Slack token", "xoxb-1234567890-abc"],
  ["a password assignment", "host=postgres password=canary"],
];

describe("no credential literals", () => {
  test.each(literals)("refuse %s in a ConfigMap", (name, text) => {
    const messages = violations(noCredentialLiterals, configMap({ "app.conf": text }));
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(`data.app.conf must not hold ${name}`);
  });

  test.each(literals)("refuse %s in the arguments of a container", (_name, text) => {
    const pod = withPodChange("Deployment", ["containers", 0, "args"], ["--flag", text]);
    expect(violations(noCredentialLiterals, pod)).toHaveLength(1);
  });

  test.each(literals)("refuse %s outside of clusters", (name, text) => {
    const command = {
      type: "command:local:Command",
      name: "gate",
      props: { environment: { ANYTHING: text } },
    };
    expect(violations(noCredentialLiterals, command)).toEqual([
      expect.stringContaining(`environment.ANYTHING must not hold ${name}`),
    ]);
    const parameter = { type: "aws:ssm/parameter:Parameter", name: "p", props: { value: text } };
    expect(violations(noCredentialLiterals, parameter)).toHaveLength(1);
  });

  test("refuse one beside the secret inputs of a Secret", () => {
    const metadata = { annotations: { note: "password=canary" } };
    expect(violations(noCredentialLiterals, secret({ metadata }))).toHaveLength(1);
  });

  test("never repeat what they found", () => {
    const messages = violations(noCredentialLiterals, configMap({ a: "password=canary" }));
    expect(messages.join()).not.toContain("canary");
  });

  test.each([
    ["a compliant workload", workload("StatefulSet")],
    ["a URL without a password", configMap({ url: "https://shop.example.test/a@b:c" })],
    ["a password read from a file", configMap({ conf: "password=$(cat /etc/secrets/p)" })],
    [
      "the value of a secret in AWS",
      {
        type: "aws:secretsmanager/secretVersion:SecretVersion",
        name: "app",
        props: { secretString: "postgres://app:canary@postgres/app" },
      },
    ],
    ["the data of a Secret", secret({ stringData: { url: "postgres://app:canary@postgres/app" } })],
  ])("allow %s", (_description, resource) => {
    expect(violations(noCredentialLiterals, resource)).toEqual([]);
  });
});

describe("no static AWS keys", () => {
  const provider = (props: Record<string, unknown>) => ({
    type: "pulumi:providers:aws",
    name: "eu",
    props,
  });

  test("allow a provider that takes its role from the environment", () => {
    expect(violations(noStaticAwsKeys, provider({ region: "eu-north-1" }))).toEqual([]);
  });

  test.each(["accessKey", "secretKey"])("refuse a provider with %s", (field) => {
    const messages = violations(noStaticAwsKeys, provider({ [field]: "canary" }));
    expect(messages).toHaveLength(1);
    expect(messages[0]).not.toContain("canary");
  });

  test("refuse an access key", () => {
    const key = { type: "aws:iam/accessKey:AccessKey", name: "deployer", props: {} };
    expect(violations(noStaticAwsKeys, key)).toHaveLength(1);
  });
});
