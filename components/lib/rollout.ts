/**
 * How a Deployment of the product goes from one release to the next: all new pods at once beside the old ones, which stop
 * as the new ones are ready. On a bad night the way back takes as long as one pod does, not as long as all of them.
 */
export const rollout = {
  maxSurge: "100%",
  maxUnavailable: 0,
  /** How long a new pod has to be ready before an old one is stopped. */
  minReadySeconds: 5,
  /** How long a stopped pod may take to end: 5 s of drain and the 20 s in which the services promise to finish, with room. */
  terminationGraceSeconds: 30,
} as const;

/** The most pods that exist at any moment of a rollout: a stopped pod holds what it asked for until it has ended. */
export const podsDuringRollout = (replicas: number): number => 2 * replicas;
