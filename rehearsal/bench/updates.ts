import { join } from "node:path";
import { openCertificateAuthority } from "../certificate-authority.ts";
import { run } from "../command.ts";
import { engineFolder, openProgram } from "../go-live.ts";
import { type Ground, prepareGround } from "../ground.ts";
import { runFolder } from "../paths.ts";
import { Problem } from "../problem.ts";
import { runTasks } from "../progress.ts";
import { clusterOf } from "../verify.ts";

/** Seconds of a first and of an empty run. */
export interface Updates {
  readonly program: { readonly first: number; readonly second: number };
  readonly kubectl: { readonly first: number; readonly second: number };
}

const namespaces = { program: "gravl-bench-program", kubectl: "gravl-bench-kubectl" } as const;

/** What has to be ready before an apply counts as done, as the program waits for it. */
const waits = [
  ["rollout", "status", "statefulset/postgres"],
  ["wait", "--for=condition=Complete", "jobs", "--all"],
  ["rollout", "status", "deployment/backend"],
  ["rollout", "status", "deployment/frontend"],
] as const;

/**
 * First and empty `up` of the program beside `kubectl apply` of the same objects until they are as ready, in both regions
 * of one rehearsal. Each has a namespace of its own, removed afterwards.
 */
export async function updates(signal: AbortSignal): Promise<Updates> {
  const ground = await prepareGround(signal);
  const clusters = ground.places.map((place) => clusterOf(ground, place.context));
  const authority = await openCertificateAuthority(engineFolder, clusters, () => undefined);
  authority.start();
  try {
    await clear(ground);
    const program = await timeProgram(ground, signal);
    await clear(ground);
    const kubectl = await timeKubectl(ground, signal);
    return { program, kubectl };
  } finally {
    await authority.stop();
    await clear(ground);
  }
}

async function timeProgram(ground: Ground, signal: AbortSignal): Promise<Updates["program"]> {
  const folder = join(runFolder, "bench", `program-${String(Date.now())}`);
  const { engine, close } = await openProgram({
    ground,
    signal,
    folder,
    namespace: namespaces.program,
  });
  try {
    const times = { first: 0, second: 0 };
    await runTasks(
      (["first", "second"] as const).map((which) => ({
        title: `up, ${which} run`,
        run: async (reporter) => {
          times[which] = (await engine.up(reporter.status)).seconds;
          return "done";
        },
      })),
    );
    return times;
  } finally {
    await close();
  }
}

async function timeKubectl(ground: Ground, signal: AbortSignal): Promise<Updates["kubectl"]> {
  const folder = join(runFolder, "bench", `kubectl-${String(Date.now())}`);
  const { stack, close } = await openProgram({
    ground,
    signal,
    folder,
    namespace: namespaces.kubectl,
  });
  await close();
  const objects = join(folder, "objects");
  await must(process.execPath, [
    join(import.meta.dirname, "rendered-objects.ts"),
    ...[stack.projectFolder, stack.releasesFolder, objects],
  ]);
  const times = { first: 0, second: 0 };
  await runTasks(
    (["first", "second"] as const).map((which) => ({
      title: `kubectl apply, ${which} run`,
      run: async () => {
        const started = performance.now();
        await Promise.all(
          ground.places.map((place) =>
            applyAndWait(ground, place.context, join(objects, place.awsRegion)),
          ),
        );
        times[which] = (performance.now() - started) / 1000;
        return "done";
      },
    })),
  );
  return times;
}

async function applyAndWait(ground: Ground, context: string, folder: string): Promise<void> {
  const kubectl = (...args: string[]) =>
    must(ground.kubectl, ["--kubeconfig", ground.kubeconfig, "--context", context, ...args]);
  await kubectl("apply", "-f", join(folder, `namespace-${namespaces.kubectl}.yaml`));
  await kubectl("apply", "-f", folder);
  for (const wait of waits) await kubectl("-n", namespaces.kubectl, ...wait, "--timeout=300s");
}

/** Removes both namespaces from both regions, so that each measurement begins with nothing. */
async function clear(ground: Ground): Promise<void> {
  await Promise.all(
    ground.places.map(({ context }) =>
      must(ground.kubectl, [
        ...["--kubeconfig", ground.kubeconfig, "--context", context],
        ...["delete", "namespace", ...Object.values(namespaces), "--ignore-not-found", "--wait"],
      ]),
    ),
  );
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const { code, lines } = await run(program, args);
  if (code !== 0) throw new Problem(`${program} ${args.join(" ")}:\n${lines.join("\n")}`);
}
