import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cache } from "../../../rehearsal/paths.ts";
import { startProviders, type Providers } from "../../../rehearsal/providers/start.ts";
import { acquireTools } from "../../../rehearsal/toolchain/toolchain.ts";
import { ControlPlane } from "./control-plane.ts";
import type { TwoRegionsRun } from "./run-two-regions.ts";

export const active = "eu-north-1";
export const standby = "eu-west-1";
const regions = [active, standby];

/** Only objects of the program have a release in them. */
const named = "jsonpath={range .items[?(@.data.release)]}{.metadata.name}={.data.release} {end}";

/**
 * Two regions that are namespaces of one API without nodes, each with a kubeconfig of its own, and the real engine. A
 * region is lost with the way to it.
 */
export class TwoRegions {
  readonly #folder = mkdtempSync(join(tmpdir(), "two-regions-"));
  readonly #plane: ControlPlane;
  readonly #providers: Providers;
  readonly #environment: Record<string, string>;
  /** How pods of Jobs end. */
  podsEnd: "Succeeded" | "Failed" = "Succeeded";

  private constructor(plane: ControlPlane, providers: Providers, pulumi: string) {
    this.#plane = plane;
    this.#providers = providers;
    this.#environment = {
      ...providers.environment,
      PATH: [dirname(pulumi), process.env["PATH"]].join(":"),
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_HOME: join(this.#folder, "home"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
  }

  static async start(): Promise<TwoRegions> {
    const { bin } = await acquireTools(["etcd", "kubernetes", "pulumi"], {
      cache,
      reporter: () => ({ status: () => undefined }),
    });
    const plane = await ControlPlane.start(bin);
    const it = new TwoRegions(plane, await startProviders(), bin.pulumi);
    for (const region of regions) {
      plane.kubectl("create", "namespace", region);
      it.connect(region);
    }
    return it;
  }

  async stop(): Promise<void> {
    await this.#providers.stop();
    await this.#plane.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** Reaches the region as its administrator. */
  connect(region: string): void {
    writeFileSync(this.#kubeconfigOf(region), readFileSync(this.#plane.kubeconfig));
  }

  /** Reaches the region as one of its service accounts. */
  connectAs(region: string, account: string): void {
    const token = this.#plane.kubectl("-n", region, "create", "token", account).trim();
    const kubeconfig = JSON.parse(readFileSync(this.#plane.kubeconfig, "utf8")) as object;
    const users = [{ name: "test", user: { token } }];
    writeFileSync(this.#kubeconfigOf(region), JSON.stringify({ ...kubeconfig, users }));
  }

  disconnect(region: string): void {
    const kubeconfig = readFileSync(this.#plane.kubeconfig, "utf8");
    const nowhere = kubeconfig.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1");
    writeFileSync(this.#kubeconfigOf(region), nowhere);
  }

  /** One update. Returns why it failed; nothing where it did not. */
  async up(change: Pick<TwoRegionsRun, "release"> & Partial<TwoRegionsRun>): Promise<string> {
    const run: TwoRegionsRun = {
      regions: regions.map((region) => ({
        region,
        role: region === active ? "primary" : "standby",
        kubeconfig: this.#kubeconfigOf(region),
        askedFile: this.#askedFileOf(region),
      })),
      ...{
        hasAddition: false,
        hasMigration: false,
        exclude: [],
        folder: this.#folder,
        environment: this.#environment,
      },
      ...change,
    };
    const node = setInterval(() => {
      try {
        this.#finishPods();
      } catch {
        // A pod is gone meanwhile, or the API is busy: the next turn repeats it.
      }
    }, 500);
    try {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [join(import.meta.dirname, "run-two-regions.ts"), JSON.stringify(run)],
        // Jest's own flags must not reach the program; the Automation API looks for the engine on its PATH.
        { env: { ...process.env, ...this.#environment, NODE_OPTIONS: "" } },
      );
      return stdout.trim();
    } finally {
      clearInterval(node);
    }
  }

  /** The program's ConfigMaps in a region, as `name=release`. */
  objects(region: string): string {
    return this.#plane.kubectl("-n", region, "get", "configmaps", `--output=${named}`).trim();
  }

  /** Releases that the region's outside gate was asked for. */
  asked(region: string): string[] {
    const file = this.#askedFileOf(region);
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  #kubeconfigOf(region: string): string {
    return join(this.#folder, region);
  }

  #askedFileOf(region: string): string {
    return join(this.#folder, `${region}.asked`);
  }

  /** There is no node to run them: each pod of a Job has ended as soon as it exists. */
  #finishPods(): void {
    for (const region of regions) {
      const pending = ["--field-selector=status.phase=Pending", "--output=name"];
      const pods = this.#plane.kubectl("-n", region, "get", "pods", ...pending).split("\n");
      for (const pod of pods) {
        if (pod !== "") this.#plane.setStatus(`${pod} -n ${region}`, { phase: this.podsEnd });
      }
    }
  }
}
