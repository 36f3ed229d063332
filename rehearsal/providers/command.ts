import { differences } from "./difference.ts";
import { uniqueName } from "./names.ts";
import {
  Computed,
  conceal,
  hasSecret,
  isList,
  isMap,
  omit,
  reveal,
  textOf,
  type PropertyMap,
  type PropertyValue,
} from "./properties.ts";
import { runShell } from "./shell.ts";
import { unsupported, type Connection, type Provider, type StandIn } from "./stand-in.ts";

const commandType = "command:local:Command";
/** Inputs this stand-in would silently ignore. */
const unimplemented = ["assetPaths", "archivePaths"];

/** What a command's `logging` lets others see of its output, also when it fails. */
const shownBy: Readonly<Record<string, readonly ("stdout" | "stderr")[]>> = {
  stdout: ["stdout"],
  stderr: ["stderr"],
  stdoutAndStderr: ["stderr", "stdout"],
};

/** Stand-in for the `command` plugin 1.2: `local.Command`, really run on this machine. */
export const command: StandIn = {
  name: "command",
  open: (connection) => ({ ...provider(connection) }),
};

function provider(connection: Connection): Provider {
  const run = async (step: Step): Promise<PropertyMap> => {
    const { script, inputs, previous, urn } = step;
    const revealed = reveal(inputs);
    const logging = textOf(revealed["logging"]) ?? "stdoutAndStderr";
    const result = await runShell({
      command: [...interpreter(revealed["interpreter"]), script],
      directory: textOf(revealed["dir"]),
      environment: { ...previousOutput(revealed, previous), ...texts(revealed["environment"]) },
      stdin: textOf(revealed["stdin"]) ?? "",
      signal: connection.cancelled,
      shown: shownBy[logging] ?? [],
      onLine: (line) => {
        connection.log("info", line, urn);
      },
    });
    // What a command prints may hold any of its inputs.
    const stored = hasSecret(inputs) ? conceal : (value: PropertyValue) => value;
    return { ...inputs, stdout: stored(result.stdout), stderr: stored(result.stderr) };
  };

  return {
    configure: () => undefined,
    check: ({ type, news }) => {
      if (type !== commandType) throw unsupported("command", type);
      const used = unimplemented.find((field) => news[field] !== undefined);
      if (used !== undefined) throw unsupported("command", `${commandType} with ${used}`);
      return { inputs: news };
    },
    // The SDK adds `triggers[*]` to replaceOnChanges: the engine turns these into a replacement.
    diff: ({ oldInputs, news }) => ({ differences: differences(oldInputs, news) }),
    create: async ({ name, inputs, preview, urn }) => {
      if (preview) {
        return { id: "", outputs: { ...inputs, stdout: Computed.value, stderr: Computed.value } };
      }
      const script = textOf(reveal(inputs["create"]));
      const outputs =
        script === undefined
          ? { ...inputs, stdout: "", stderr: "" }
          : await run({ script, inputs, previous: {}, urn });
      return { id: uniqueName(name, new Uint8Array(), 8), outputs };
    },
    update: async ({ inputs, oldOutputs, preview, urn }) => {
      const { stdout, stderr } = oldOutputs;
      const script = textOf(reveal(inputs["update"] ?? inputs["create"]));
      if (preview || script === undefined) return { ...inputs, stdout, stderr };
      return run({ script, inputs, previous: oldOutputs, urn });
    },
    read: ({ id, inputs, outputs }) => ({ id, inputs: inputs ?? {}, outputs }),
    delete: async ({ outputs, urn }) => {
      const inputs = omit(outputs, "stdout", "stderr");
      const script = textOf(reveal(inputs["delete"]));
      if (script !== undefined) await run({ script, inputs, previous: outputs, urn });
    },
  };
}

interface Step {
  readonly script: string;
  readonly inputs: PropertyMap;
  /** Outputs of the last run, offered to this one. */
  readonly previous: PropertyMap;
  readonly urn: string;
}

function previousOutput(inputs: PropertyMap, previous: PropertyMap): Record<string, string> {
  if (inputs["addPreviousOutputInEnv"] === false) return {};
  const { stdout, stderr } = reveal(previous);
  return texts({ PULUMI_COMMAND_STDOUT: stdout, PULUMI_COMMAND_STDERR: stderr });
}

function interpreter(value: PropertyValue): string[] {
  return isList(value) && value.length > 0 ? value.map(String) : ["/bin/sh", "-c"];
}

function texts(value: PropertyValue): Record<string, string> {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const text = textOf(item);
      return text === undefined ? [] : [[key, text]];
    }),
  );
}
