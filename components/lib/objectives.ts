/** What is promised for one scenario, measured from the decision or the loss. */
export interface Objective {
  /** What happens, in words. */
  readonly scenario: string;
  /** Longest time until service is back; undefined when nothing stops. */
  readonly recoverySeconds?: number;
  /** Most recently committed data that may be lost; 0 means none. */
  readonly lossSeconds?: number;
  /** Longest time between two proofs, for what is proved on a schedule. */
  readonly proofSeconds?: number;
}

const minute = 60;
const day = 24 * 60 * minute;

/** Recovery objectives: alerts, gates, documentation and tests all read them here. */
export const objectives = {
  appRollback: { scenario: "app rollback", recoverySeconds: 5 * minute },
  configRollback: { scenario: "app + config rollback", recoverySeconds: 10 * minute },
  fullRollback: {
    scenario: "full rollback with database restore",
    recoverySeconds: 15 * minute,
    /** Before the restore point. */
    lossSeconds: 0,
  },
  primaryPodLost: { scenario: "primary pod lost", recoverySeconds: 30 },
  regionLost: { scenario: "region lost", recoverySeconds: 15 * minute, lossSeconds: minute },
  plannedMove: { scenario: "planned move, failback", lossSeconds: 0 },
  restoreProof: {
    scenario: "restore proof, both regions",
    proofSeconds: 8 * day,
    /** By the archive alone: a segment may be a minute old before it is sent, and a heartbeat half a minute. */
    lossSeconds: 3 * minute,
  },
} as const satisfies Record<string, Objective>;
