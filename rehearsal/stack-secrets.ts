import { run } from "./command.ts";

/** The engine's command line in its project. */
export interface PulumiCli {
  /** Path of the executable. */
  readonly pulumi: string;
  readonly projectFolder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Encrypts values into a stack's file. They go by standard input: command lines are open to every user of the machine,
 * and errors quote them.
 * @throws Error naming the key that could not be set, without its value
 */
export async function setStackSecrets(
  { pulumi, projectFolder, environment }: PulumiCli,
  stack: string,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  // One after the other: each run rewrites the whole file.
  for (const [key, value] of Object.entries(values)) {
    const { code, lines } = await run(
      pulumi,
      ["config", "set", "--secret", key, "--stack", stack, "--non-interactive"],
      { cwd: projectFolder, environment, input: value },
    );
    if (code === 0) continue;
    const said = lines.join("\n").replaceAll(value, "[secret]");
    throw new Error(`${key}: cannot be set, as pulumi config set --secret says: ${said}`);
  }
}
