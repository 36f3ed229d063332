/** How a Deployment of the product goes from one release to the next: never fewer pods than before, one more at a time. */
export const rollout = {
  maxSurge: 1,
  maxUnavailable: 0,
  /** How long a new pod has to be ready before an old one is stopped. */
  minReadySeconds: 5,
  /** How long a stopped pod may take to end: 5 s of drain and the 20 s in which the services promise to finish, with room. */
  terminationGraceSeconds: 30,
} as const;

/**
 * The most pods that exist at any moment of a rollout of `replicas`. A stopped pod still holds what it asked for until
 * it ended, and one is stopped whenever a new one has been ready long enough.
 */
export function podsDuringRollout(replicas: number): number {
  const ending = Math.ceil(rollout.terminationGraceSeconds / rollout.minReadySeconds);
  return Math.min(2 * replicas, replicas + rollout.maxSurge + ending);
}
