import { Computed, Secret } from "../../../rehearsal/providers/properties.ts";
import { startProviders, type Providers } from "../../../rehearsal/providers/start.ts";
import { FakeEngine } from "./fake-engine.ts";

const local = { type: "command:local:Command" };

let providers: Providers;
let engine: FakeEngine;
beforeAll(async () => {
  providers = await startProviders({ only: ["command"] });
});
beforeEach(async () => {
  engine = await FakeEngine.attach(providers.environment.PULUMI_DEBUG_PROVIDERS, "command");
});
afterEach(() => engine.close());
afterAll(() => providers.stop());

describe("local.Command", () => {
  it("runs in its directory with its environment, input and interpreter", async () => {
    const { outputs } = await engine.create(local, {
      create: 'read -r line; echo "$line $GREETING $(pwd) ${BASH_VERSION:+bash}"; echo warned >&2',
      dir: "/usr",
      environment: { GREETING: "hello" },
      interpreter: ["/bin/bash", "-c"],
      stdin: "input\n",
    });
    expect(outputs).toMatchObject({ stdout: "input hello /usr bash", stderr: "warned" });
  });

  it("does not run in a preview", async () => {
    const { outputs } = await engine.create({ ...local, preview: true }, { create: "exit 1" });
    expect(outputs["stdout"]).toBe(Computed.value);
  });

  it("offers its last output to the next run", async () => {
    const inputs = { create: "echo one", update: 'echo "after $PULUMI_COMMAND_STDOUT"' };
    const { id, outputs } = await engine.create(local, inputs);
    const old = { id, inputs, outputs };
    expect(await engine.update(local, old, inputs)).toMatchObject({ stdout: "after one" });
    const silent = { ...inputs, addPreviousOutputInEnv: false };
    expect(await engine.update(local, old, silent)).toMatchObject({ stdout: "after " });
  });

  it("runs create again for an update that has no command of its own", async () => {
    const inputs = { create: "echo again" };
    const old = { id: "x", inputs, outputs: { ...inputs, stdout: "first", stderr: "" } };
    expect(await engine.update(local, old, inputs)).toMatchObject({ stdout: "again" });
  });

  it("deletes by the command in its state", async () => {
    const inputs = { delete: "echo gone >&2; exit 3" };
    const old = { id: "x", inputs, outputs: { ...inputs, stdout: "", stderr: "" } };
    await expect(engine.delete(local, old)).rejects.toThrow("exit code 3:\ngone");
  });

  it("is updated for any changed input; the SDK replaces it for its triggers", async () => {
    const plan = await engine.diff(local, { triggers: ["a"] }, { triggers: ["b"] });
    expect(plan).toMatchObject({ changed: true, paths: ["triggers[0]"], replaces: [] });
  });

  it("logs its output as it is told to", async () => {
    await engine.create(local, { create: "echo out; echo err >&2", logging: "stderr" });
    await engine.sees("err");
    expect(engine.logged).toEqual(["err"]);
  });

  it("shows nothing of a command whose output is not to be logged, not even when it fails", async () => {
    const quiet = { create: "echo key; echo trouble >&2", logging: "none" };
    const { outputs } = await engine.create(local, quiet);
    expect(outputs).toMatchObject({ stdout: "key", stderr: "trouble" });
    const failing = engine.create(local, { ...quiet, create: `${quiet.create}; exit 5` });
    await expect(failing).rejects.toThrow(/exit code 5:\s*$/);
    const onlyErrors = { create: "echo key; exit 6", logging: "stderr" };
    await expect(engine.create(local, onlyErrors)).rejects.toThrow(/exit code 6:\s*$/);
    expect(engine.logged).toEqual([]);
  });

  it("never shows or stores a secret in plain text", async () => {
    const environment = { TOKEN: new Secret("token-1234") };
    const create = 'echo "$TOKEN"; echo "bad $TOKEN" >&2';
    const { outputs } = await engine.create(local, { create, environment });
    expect(outputs).toMatchObject({
      environment,
      stdout: new Secret("token-1234"),
      stderr: new Secret("bad token-1234"),
    });
    await engine.sees("bad [secret]");
    expect(engine.logged.join("\n")).not.toContain("token-1234");
    const failing = engine.create(local, { create: `${create}; exit 4`, environment });
    await expect(failing).rejects.toThrow("exit code 4:\nbad [secret]");
  });

  it("ends with everything it started when the run is cancelled", async () => {
    const running = engine.create(local, { create: "echo started; sleep 60 & wait" });
    await engine.sees("started");
    await engine.cancel();
    await expect(running).rejects.toThrow("cancelled");
  });

  it.each(["assetPaths", "archivePaths"])("refuses %s, which it does not have", async (field) => {
    await expect(engine.check(local, { [field]: ["*"] })).rejects.toThrow(field);
  });
});
