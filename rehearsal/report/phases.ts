/** One phase of the go-live runbook; `runbook` is its time relative to going live, in minutes. */
export interface RunbookPhase {
  readonly id: PhaseId;
  readonly runbook: string;
  readonly title: string;
}

export const phaseIds = [
  "foundation",
  "database",
  "data",
  "application",
  "gateway",
  "integration",
  "monitoring",
  "load",
  "security",
  "sign-off",
] as const;

export type PhaseId = (typeof phaseIds)[number];

const titles: Record<PhaseId, { runbook: string; title: string }> = {
  foundation: {
    runbook: "T-60",
    title: "Namespace, access, network policies, secrets, certificates",
  },
  database: { runbook: "T-30", title: "Database, storage, migration" },
  data: { runbook: "T-20", title: "The data survives: copies, archive, backups, a way back" },
  application: { runbook: "T-10", title: "Backend and frontend" },
  gateway: { runbook: "T+0", title: "Entry through the gateway, with TLS" },
  integration: { runbook: "T+20", title: "The parts work together, seen from outside" },
  monitoring: { runbook: "T+40", title: "Metrics and alerts" },
  load: { runbook: "T+60", title: "Load test" },
  security: { runbook: "T+90", title: "Security review: what must be refused is refused" },
  "sign-off": { runbook: "T+120", title: "Sign-off: nothing left to do, nothing drifted" },
};

/** The go-live runbook in its order. Every evidence file has exactly these phases. */
export const goLiveRunbook: readonly RunbookPhase[] = phaseIds.map((id) => ({ id, ...titles[id] }));
