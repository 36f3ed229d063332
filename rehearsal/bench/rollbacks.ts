import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Place } from "../ground.ts";
import { cache } from "../paths.ts";
import { runTasks } from "../progress.ts";
import { acquireTools } from "../toolchain/toolchain.ts";
import { median, secondsOf } from "./figures.ts";
import { changedDeployments } from "./objects.ts";
import { type BenchPlace, type BenchRun, must, namespace } from "./place.ts";

const rounds = 3;
const before = "v1.0.0";
const after = "v1.1.0";

/** Seconds from the decision to go back until the earlier release is ready in both regions. */
export interface Rollbacks {
  readonly program: number;
  readonly helm: number;
  readonly kubectl: number;
}

/**
 * A release that changed code alone, taken back: by setting the release and running the program, by `helm rollback` of a
 * chart of the same objects, and by `kubectl rollout undo`, which knows nothing of configuration, gates or records.
 * The stack runs already, with the earlier release.
 */
export async function rollbacks(place: BenchPlace, signal: AbortSignal): Promise<Rollbacks> {
  const times: Record<keyof Rollbacks, number[]> = { program: [], helm: [], kubectl: [] };
  let [earlier, later]: BenchRun[] = [];
  let helm = "";
  await runTasks([
    {
      title: `${after} back to ${before}, by the program`,
      run: async (reporter) => {
        earlier = await place.up(reporter, { release: before });
        for (let round = 1; round <= rounds; round += 1) {
          // It was taken back in the round before.
          const allowRetry = `round ${String(round)} of a measurement`;
          later = await place.up(reporter, {
            release: after,
            change: { release: after, allowRetry },
          });
          times.program.push((await place.up(reporter, { release: before })).secondsInAll);
        }
        return inWords(times.program);
      },
    },
    {
      title: "helm",
      run: async ({ status }) => {
        const { bin } = await acquireTools(["helm"], {
          cache,
          signal,
          reporter: () => ({ status }),
        });
        helm = bin.helm;
        return "in place";
      },
    },
    {
      title: `${after} back to ${before}, by helm rollback`,
      run: async ({ status }) => {
        const charts = new Charts(place, helm, signal);
        const wait = ["--wait", "--wait-for-jobs", "--timeout=10m"];
        status("a chart of the same objects takes them over");
        const earlierChart = (region: Place) => charts.write(region, before, earlier!);
        const laterChart = (region: Place) => charts.write(region, after, later!);
        await place.inBoth((region) =>
          charts.helm(
            region,
            "install",
            release,
            earlierChart(region),
            "--take-ownership",
            ...wait,
          ),
        );
        for (let round = 1; round <= rounds; round += 1) {
          status(`round ${String(round)} of ${String(rounds)}`);
          await place.inBoth((region) =>
            // What the program made last is there still.
            charts.helm(
              region,
              "upgrade",
              release,
              laterChart(region),
              "--take-ownership",
              ...wait,
            ),
          );
          const back = (region: Place) => charts.helm(region, "rollback", release, ...wait);
          times.helm.push(await secondsOf(() => place.inBoth(back)));
        }
        return inWords(times.helm);
      },
    },
    {
      title: `${after} back to ${before}, by kubectl rollout undo`,
      run: async ({ status }) => {
        const undo = (region: Place) => undoChanged(place, region, earlier!, later!);
        for (let round = 1; round <= rounds; round += 1) {
          status(`round ${String(round)} of ${String(rounds)}`);
          await place.inBoth(undo);
          times.kubectl.push(await secondsOf(() => place.inBoth(undo)));
        }
        return inWords(times.kubectl);
      },
    },
  ]);
  return {
    program: median(times.program),
    helm: median(times.helm),
    kubectl: median(times.kubectl),
  };
}

/** Each undo goes to the template before: there and back. */
async function undoChanged(
  place: BenchPlace,
  region: Place,
  earlier: BenchRun,
  later: BenchRun,
): Promise<void> {
  const changed = changedDeployments(earlier.objects(region), later.objects(region));
  await place.kubectl(region, "rollout", "undo", ...changed);
  for (const deployment of changed)
    await place.kubectl(region, "rollout", "status", deployment, "--timeout=300s");
}

/** Name of the Helm release. */
const release = "bench";

/** A chart per region and release. Its one template is a file of finished objects. */
class Charts {
  readonly #place: BenchPlace;
  readonly #helm: string;
  readonly #signal: AbortSignal;

  constructor(place: BenchPlace, helm: string, signal: AbortSignal) {
    this.#place = place;
    this.#helm = helm;
    this.#signal = signal;
  }

  /** @returns its folder, which only its owner can read: secrets are in it */
  write(region: Place, version: string, { objects }: BenchRun): string {
    const folder = join(this.#place.privateFolder(), `chart-${region.awsRegion}-${version}`);
    mkdirSync(join(folder, "templates"), { recursive: true });
    const write = (file: string, text: string) => {
      writeFileSync(join(folder, file), text, { mode: 0o600 });
    };
    // The namespace is where Helm keeps its own notes.
    const own = objects(region).filter(({ kind }) => kind !== "Namespace");
    const chart = { apiVersion: "v2", name: release, version: version.slice(1) };
    write("Chart.yaml", JSON.stringify(chart));
    write("objects.json", own.map((object) => JSON.stringify(object)).join("\n---\n"));
    write("templates/objects.yaml", '{{ .Files.Get "objects.json" }}');
    return folder;
  }

  async helm(region: Place, ...args: readonly string[]): Promise<void> {
    const { kubeconfig } = this.#place.ground;
    const access = ["--kubeconfig", kubeconfig, "--kube-context", region.context, "-n", namespace];
    await must(this.#helm, [...access, ...args], this.#signal);
  }
}

const inWords = (times: readonly number[]): string =>
  `${times.map((time) => time.toFixed(1)).join(", ")} s`;
