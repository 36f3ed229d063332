import type { Layer } from "./layer-store.ts";

/** Layers and configuration: all there is to an image. */
export interface BuiltContent {
  readonly config: ImageConfig;
  readonly layers: readonly Layer[];
  /** The instruction that made each layer. */
  readonly history: readonly string[];
}

/** How a container of the image starts; grows instruction by instruction. */
export interface ImageConfig {
  readonly environment: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  readonly ports: readonly string[];
  readonly workdir: string;
  readonly user: string | undefined;
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly stopSignal: string | undefined;
}

export const emptyConfig: ImageConfig = {
  environment: new Map(),
  labels: new Map(),
  ports: [],
  workdir: "/",
  user: undefined,
  entrypoint: undefined,
  command: undefined,
  stopSignal: undefined,
};

/** Architecture as container images name it. */
export const architecture = process.arch === "x64" ? "amd64" : process.arch;

// One date for every image: the same content must give the same digest.
const created = "1970-01-01T00:00:00Z";

/** The image configuration of the OCI image specification. */
export function ociConfig({ config, layers, history }: BuiltContent): object {
  const { environment, labels, ports, workdir, user, entrypoint, command, stopSignal } = config;
  return {
    created,
    architecture,
    os: "linux",
    config: {
      ...(user === undefined ? {} : { User: user }),
      ...(ports.length === 0
        ? {}
        : { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
      Env: [...environment].map(([name, value]) => `${name}=${value}`),
      ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
      ...(command === undefined ? {} : { Cmd: command }),
      WorkingDir: workdir,
      ...(labels.size === 0 ? {} : { Labels: Object.fromEntries(labels) }),
      ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
    },
    rootfs: {
      type: "layers",
      diff_ids: layers.filter(({ empty }) => !empty).map(({ diffId }) => diffId),
    },
    history: layers.map(({ empty }, index) => ({
      created,
      created_by: history[index],
      ...(empty ? { empty_layer: true } : {}),
    })),
  };
}
