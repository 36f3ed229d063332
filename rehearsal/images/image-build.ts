import { existsSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";

import { repository } from "../paths.ts";
import { Problem } from "../problem.ts";
import { suite, writeAptSettings } from "./apt-settings.ts";
import { hashOf } from "./content-hash.ts";
import { type Context, fingerprint, planCopy, stage } from "./copy-files.ts";
import {
  type Instruction,
  parseDockerfile,
  parseJsonForm,
  parsePairs,
  substitute,
} from "./dockerfile.ts";
import { architecture, type BuiltContent, emptyConfig, type ImageConfig } from "./image-config.ts";
import type { BaseWork, Layer, LayerStore, LayerWork } from "./layer-store.ts";
import { pipVariables, writePipSettings } from "./pip-settings.ts";

/** What an image is built from. */
export interface ImageSource {
  /** Path of the Dockerfile. */
  readonly dockerfile: string;
  readonly context: Context;
  /** Instructions after those of the Dockerfile: what a later release changes. */
  readonly changes?: readonly string[];
}

const slim = `debian:${suite}-slim`;
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const proxyNames = [
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
];

// A change to how layers are made must not find layers made the old way.
const recipe = hashOf(
  ["layer-step.sh", "pack-layer.sh"].map((name) =>
    readFileSync(join(import.meta.dirname, name), "utf8"),
  ),
);

/**
 * Builds what a Dockerfile describes, layer by layer; unchanged layers are taken from the store.
 * @throws Problem naming file and line of an instruction that is not supported or fails
 */
export async function buildImage(
  { dockerfile, context, changes = [] }: ImageSource,
  store: LayerStore,
  status: (text: string) => void,
): Promise<BuiltContent> {
  const name = relative(repository, dockerfile);
  if (!existsSync(dockerfile)) throw new Problem(`${name} does not exist`);
  const build = new ImageBuild(context, store, status);
  for (const instruction of parseDockerfile(readFileSync(dockerfile, "utf8"), name))
    await build.apply(instruction);
  for (const instruction of parseDockerfile(changes.join("\n"), `${name} (changes)`))
    await build.apply(instruction);
  return build.content(name);
}

class ImageBuild {
  readonly #context: Context;
  readonly #store: LayerStore;
  readonly #status: (text: string) => void;
  readonly #arguments = new Map<string, string>();
  #layers: Layer[] = [];
  #history: string[] = [];
  #config: ImageConfig = emptyConfig;
  #begun = false;

  constructor(context: Context, store: LayerStore, status: (text: string) => void) {
    this.#context = context;
    this.#store = store;
    this.#status = status;
  }

  content(file: string): BuiltContent {
    if (!this.#begun) throw new Problem(`${file}: there is no FROM`);
    return { layers: this.#layers, history: this.#history, config: this.#config };
  }

  async apply(instruction: Instruction): Promise<void> {
    const { keyword, place } = instruction;
    if (!this.#begun && keyword !== "FROM" && keyword !== "ARG")
      throw new Problem(`${place}: ${keyword} before FROM; only ARG may come first`);
    switch (keyword) {
      case "FROM":
        return this.#from(instruction);
      case "ARG":
        for (const [name, value] of parsePairs(this.#text(instruction), place))
          this.#setArgument(name, value, place);
        return;
      case "RUN":
        return this.#run(instruction);
      case "COPY":
        return this.#copy(instruction);
      case "WORKDIR":
        return this.#workdir(instruction);
      case "ENV":
      case "LABEL":
      case "USER":
      case "EXPOSE":
      case "STOPSIGNAL":
      case "ENTRYPOINT":
      case "CMD":
        this.#config = { ...this.#config, ...this.#change(instruction, keyword) };
    }
  }

  /** The instructions that only change the configuration. */
  #change(
    instruction: Instruction,
    keyword: "ENV" | "LABEL" | "USER" | "EXPOSE" | "STOPSIGNAL" | "ENTRYPOINT" | "CMD",
  ): Partial<ImageConfig> {
    switch (keyword) {
      case "ENV":
        return { environment: this.#merged(instruction, this.#config.environment) };
      case "LABEL":
        return { labels: this.#merged(instruction, this.#config.labels) };
      case "USER":
        return { user: this.#text(instruction) };
      case "EXPOSE":
        return {
          ports: [...this.#config.ports, ...ports(this.#text(instruction), instruction.place)],
        };
      case "STOPSIGNAL":
        return { stopSignal: this.#text(instruction) };
      case "ENTRYPOINT":
        return { entrypoint: parseJsonForm(instruction) };
      case "CMD":
        return { command: parseJsonForm(instruction) };
    }
  }

  #merged(instruction: Instruction, old: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    const merged = new Map(old);
    for (const [name, value] of parsePairs(this.#text(instruction), instruction.place)) {
      if (value === undefined)
        throw new Problem(`${instruction.place}: ${name} has no value; write ${name}=value`);
      merged.set(name, value);
    }
    return merged;
  }

  #setArgument(name: string, value: string | undefined, place: string): void {
    // An ARG repeated after FROM brings the value from before it into view, as docker build has it.
    if (value === undefined && !this.#arguments.has(name))
      throw new Problem(`${place}: ARG ${name} needs a default value, written ${name}=value`);
    if (value !== undefined) this.#arguments.set(name, value);
  }

  async #from(instruction: Instruction): Promise<void> {
    const { place } = instruction;
    const [base = "", ...rest] = this.#text(instruction).split(/\s+/);
    if (this.#begun || rest.length > 0)
      throw new Problem(
        `${place}: builds of several stages are not supported; one FROM without AS`,
      );
    this.#begun = true;
    if (base === "scratch") return;
    if (base.split("@")[0] !== slim)
      throw new Problem(
        `${place}: FROM ${base} is not supported; supported are ${slim}, with or without a digest, and scratch`,
      );
    this.#config = { ...this.#config, environment: new Map([["PATH", path]]) };
    await this.#add(instruction, ["base", slim, architecture], {
      action: "base",
      args: [suite],
      prepare: (step) => writeAptSettings(join(step, "apt")),
    });
  }

  async #run(instruction: Instruction): Promise<void> {
    const { text, place } = instruction;
    if (text.startsWith("["))
      throw new Problem(
        `${place}: the JSON form of RUN is not supported; write the command as a shell would read it`,
      );
    const { user = "", workdir, environment } = this.#config;
    const variables = [...new Map([...this.#arguments, ...environment])].map((pair) =>
      pair.join("="),
    );
    await this.#add(instruction, ["run", user, workdir, variables, text], {
      action: "run",
      args: [user, workdir, text, ...proxies(), ...pipVariables, ...variables],
      prepare: async (step) => {
        await writeAptSettings(join(step, "apt"));
        await writePipSettings(join(step, "pip"));
      },
    });
  }

  async #copy(instruction: Instruction): Promise<void> {
    const plan = planCopy(
      instruction,
      this.#text(instruction),
      this.#context,
      this.#config.workdir,
    );
    await this.#add(instruction, ["copy", await fingerprint(plan)], {
      action: "copy",
      args: [plan.folder],
      prepare: (step) => Promise.resolve(stage(plan, join(step, "stage"))),
    });
  }

  async #workdir(instruction: Instruction): Promise<void> {
    const workdir = posix.resolve(this.#config.workdir, this.#text(instruction));
    this.#config = { ...this.#config, workdir };
    await this.#add(instruction, ["workdir", workdir], {
      action: "copy",
      args: [workdir],
      prepare: () => Promise.resolve(),
    });
  }

  async #add(
    { keyword, text, place }: Instruction,
    inputs: unknown[],
    work: LayerWork | BaseWork,
  ): Promise<void> {
    this.#status(`${keyword} ${text}`);
    const below = this.#layers.map(({ key }) => key);
    const key = hashOf([recipe, below, inputs]);
    try {
      const heard = (line: string): void => {
        this.#status(line.trim());
      };
      const layer = await this.#store.layer(key, this.#layers, work, heard);
      this.#layers = [...this.#layers, layer];
      this.#history = [...this.#history, `${keyword} ${text}`];
    } catch (error) {
      if (error instanceof Problem)
        throw new Problem(`${place}: ${keyword} ${text} failed: ${error.message}`);
      throw error;
    }
  }

  #text({ text, place }: Instruction): string {
    return substitute(text, new Map([...this.#arguments, ...this.#config.environment]), place);
  }
}

function ports(text: string, place: string): string[] {
  return text.split(/\s+/).map((port) => {
    if (!/^\d+(\/(tcp|udp))?$/.test(port))
      throw new Problem(`${place}: EXPOSE takes PORT or PORT/udp, got ${port}`);
    return port.includes("/") ? port : `${port}/tcp`;
  });
}

/** The proxies this machine uses, as docker build passes them: for the command, not kept in the image. */
const proxies = (): string[] =>
  proxyNames.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
