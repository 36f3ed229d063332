import { pgHbaConf, pgIdentConf, postgresqlConf } from "../../../components/postgres/conf.ts";

/** Settings by name; a line that is none of them is left out. */
function settings(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/^(\w+) = '(.*)'$/gm)];
  return Object.fromEntries(pairs.map(([, key = "", value = ""]) => [key, value]));
}

describe("postgresql.conf", () => {
  test("consists of settings alone, each once", () => {
    const text = postgresqlConf({ writable: true, memory: "1Gi" });
    const lines = text.trimEnd().split("\n");
    expect(Object.keys(settings(text))).toHaveLength(lines.length);
  });

  test("sizes its memory by the container's limit", () => {
    const { shared_buffers, effective_cache_size } = settings(
      postgresqlConf({ writable: true, memory: "8Gi" }),
    );
    expect([shared_buffers, effective_cache_size]).toEqual(["2048MB", "5734MB"]);
  });

  test.each([
    [true, "off"],
    [false, "on"],
  ])("with writable %s starts sessions with read-only %s", (writable, value) => {
    const { default_transaction_read_only } = settings(postgresqlConf({ writable, memory: "1Gi" }));
    expect(default_transaction_read_only).toBe(value);
  });

  test("never logs a statement that failed, which may hold a password", () => {
    const { log_min_error_statement } = settings(postgresqlConf({ writable: true, memory: "1Gi" }));
    expect(log_min_error_statement).toBe("panic");
  });

  test("fails when the memory is not a quantity", () => {
    expect(() => postgresqlConf({ writable: true, memory: "1 GB" })).toThrow('got "1 GB"');
  });
});

describe("pg_hba.conf", () => {
  const rules = pgHbaConf("acme", "acme_user")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" "));

  test("lets the superuser and the exporter in by the local socket only", () => {
    const privileged = rules.filter(([, , user]) => user === "postgres" || user === "exporter");
    expect(privileged.map(([type, , , method]) => [type, method])).toEqual([
      ["local", "peer"],
      ["local", "peer"],
    ]);
  });

  test("lets only the application's role into its database over the network, by password", () => {
    const remote = rules.filter(([type]) => type !== "local");
    expect(remote).toEqual([
      ["host", "acme", "acme_user", "0.0.0.0/0", "scram-sha-256"],
      ["host", "acme", "acme_user", "::/0", "scram-sha-256"],
    ]);
  });
});

test("pg_ident.conf maps the pod's one user to superuser and exporter, and to nobody else", () => {
  const maps = pgIdentConf()
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  expect(maps).toEqual(["pod lifeline postgres", "pod lifeline exporter"]);
});
