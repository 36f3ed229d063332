import { bytes, millicores } from "../components/lib/quantity.ts";
import { podsDuringRollout } from "../components/lib/rollout.ts";
import type { Compute, Resources, Settings } from "./schema.ts";

interface Container {
  /** Where its resources are configured. */
  readonly field: string;
  readonly resources: Resources;
  /** How many of it run at the busiest moment. */
  readonly count: number;
  /** False for one that shares the pod of another. */
  readonly ownPod: boolean;
}

/** Every container in the namespace of one region, of those parts that are given. */
export function containers(settings: Partial<Settings>): Container[] {
  const { backend, frontend, migration, smoke, postgres, backups } = settings;
  const list: Container[] = [];
  const add = (field: string, resources: Resources | undefined, count = 1, ownPod = true) => {
    if (resources !== undefined) list.push({ field, resources, count, ownPod });
  };
  add("backend.resources", backend?.resources, podsDuringRollout(backend?.maxReplicas ?? 0));
  add("frontend.resources", frontend?.resources, podsDuringRollout(frontend?.maxReplicas ?? 0));
  add("migration.resources", migration?.resources);
  // The gate that waits for a writable database ends before the smoke test starts.
  add("smoke.resources", smoke?.resources);
  const members = membersOf(postgres);
  add("postgres.resources", postgres?.resources, members);
  add("postgres.exporterResources", postgres?.exporterResources, members, false);
  add("postgres.sidecarResources", postgres?.sidecarResources, sidecars * members, false);
  add("backups.resources", backups?.resources, backupPods);
  return list;
}

/** The backup server and the agent. */
const sidecars = 2;

/** A backup, and a restore proof beside it. */
const backupPods = 2;

/** While a generation is restored, the one before it still serves. */
function membersOf(postgres: Settings["postgres"] | undefined): number {
  if (postgres === undefined) return 0;
  return postgres.replicas * Math.min(postgres.generations.length, 2);
}

/** Thousandths of a CPU, and bytes. */
export interface Amount {
  readonly cpu: number;
  readonly memory: number;
}

/** What the namespace of one region holds at its busiest: full scale, in the middle of a release. */
export function busiest(settings: Partial<Settings>) {
  const all = containers(settings);
  return {
    requests: total(all, "requests"),
    limits: total(all, "limits"),
    pods: all.reduce((pods, { count, ownPod }) => pods + (ownPod ? count : 0), 0),
    storage: volumes(settings.postgres),
  };
}

/** `compute` in numbers; the schema has checked its quantities. */
export function amount({ cpu, memory }: Compute): Amount {
  return { cpu: millicores(cpu) ?? NaN, memory: bytes(memory) ?? NaN };
}

function total(all: readonly Container[], side: keyof Resources): Amount {
  return all.reduce(
    (sum, { count, resources }) => {
      const { cpu, memory } = amount(resources[side]);
      return { cpu: sum.cpu + count * cpu, memory: sum.memory + count * memory };
    },
    { cpu: 0, memory: 0 },
  );
}

/** Bytes of all volumes: those of earlier generations stay, and the restore proof takes one for its time. */
function volumes(postgres: Settings["postgres"] | undefined): number {
  const sizes = postgres?.generations.map(({ storage }) => bytes(storage) ?? NaN) ?? [];
  const members = sizes.reduce((sum, size) => sum + size * (postgres?.replicas ?? 0), 0);
  return members + (sizes.at(-1) ?? 0);
}
