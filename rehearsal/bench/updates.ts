import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runTasks } from "../progress.ts";
import { median, secondsOf } from "./figures.ts";
import { type KubernetesObject, listOf, waitsFor } from "./objects.ts";
import type { BenchPlace, BenchRun } from "./place.ts";

/** Of the runs that find nothing to do; a first one takes minutes. */
const emptyRuns = 3;

/** Seconds of a run on nothing, and the median of those that find nothing to do. */
export interface UpdateTimes {
  readonly first: number;
  readonly empty: number;
}

export interface Updates {
  readonly program: UpdateTimes;
  readonly kubectl: UpdateTimes;
}

/**
 * First and empty `up` of the program beside `kubectl apply` of the very objects that it made, secrets included, until they
 * are as ready, in both regions of one rehearsal. What `up` checks besides, by policy and from outside, it alone pays for.
 */
export async function updates(place: BenchPlace): Promise<Updates> {
  let program: UpdateTimes | undefined;
  let kubectl: UpdateTimes | undefined;
  let made: BenchRun | undefined;
  await runTasks([
    {
      title: "up on nothing, then with nothing to do",
      run: async (reporter) => {
        made = await place.up(reporter);
        const { seconds: first } = made;
        program = await times(first, async () => (await place.up(reporter)).seconds);
        return inWords(program);
      },
    },
    {
      title: "the same with kubectl apply",
      run: async ({ status }) => {
        const apply = prepareApply(place, made!);
        status("removing what is there");
        await place.clearClusters();
        status("applying");
        kubectl = await times(await secondsOf(apply), () => secondsOf(apply));
        status("removing it");
        await place.clear();
        return inWords(kubectl);
      },
    },
  ]);
  return { program: program!, kubectl: kubectl! };
}

async function times(first: number, again: () => Promise<number>): Promise<UpdateTimes> {
  const empty: number[] = [];
  for (let run = 0; run < emptyRuns; run += 1) empty.push(await again());
  return { first, empty: median(empty) };
}

/** Applies what the program made, in the order that a person has to keep: Jobs need the database, and give up without it. */
function prepareApply(place: BenchPlace, made: BenchRun): () => Promise<void> {
  const ofRegion = new Map(place.ground.places.map((region) => [region, made.objects(region)]));
  return () =>
    place.inBoth(async (region) => {
      const objects = ofRegion.get(region) ?? [];
      const jobs = objects.filter(({ kind }) => kind === "Job");
      const lasting = objects.filter((object) => !jobs.includes(object));
      const apply = async (name: string, part: readonly KubernetesObject[]) => {
        const file = join(place.privateFolder(), `${region.awsRegion}-${name}.json`);
        writeFileSync(file, listOf(part), { mode: 0o600 });
        await place.kubectl(region, "apply", "-f", file);
      };
      const waitFor = async (part: readonly KubernetesObject[]) => {
        for (const wait of waitsFor(part)) await place.kubectl(region, ...wait, "--timeout=300s");
      };
      await apply("lasting", lasting);
      await waitFor(lasting.filter(({ kind }) => kind === "StatefulSet"));
      await apply("jobs", jobs);
      await waitFor(objects);
    });
}

const inWords = ({ first, empty }: UpdateTimes): string =>
  `${first.toFixed(1)} s, then ${empty.toFixed(1)} s`;
