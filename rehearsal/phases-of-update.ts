import type { Step } from "./engine.ts";
import type { PhaseId } from "./report/phases.ts";

/** Which phase of the go-live runbook each component belongs to, by its Pulumi type. */
const phaseOfComponent: Readonly<Record<string, PhaseId>> = {
  "lifeline:region:RegionProviders": "foundation",
  "lifeline:access:Access": "foundation",
  "lifeline:access:AppSecrets": "foundation",
  "lifeline:access:DatabaseSecrets": "foundation",
  "lifeline:access:GeneratedSecrets": "foundation",
  "lifeline:access:PrivateCa": "foundation",
  "lifeline:foundation:Namespace": "foundation",
  "lifeline:network:NetworkPolicies": "foundation",
  "lifeline:entry:Certificates": "foundation",
  "lifeline:release:ReleaseRecord": "foundation",
  "lifeline:archive:ArchiveBucket": "database",
  "lifeline:postgres:RestoreGate": "database",
  "lifeline:postgres:PostgresRole": "database",
  "lifeline:postgres:DatabaseCertificates": "database",
  "lifeline:postgres:Postgres": "database",
  "lifeline:postgres:WritableGate": "database",
  "lifeline:release:Migration": "database",
  "lifeline:postgres:Backups": "data",
  "lifeline:release:WebService": "application",
  "lifeline:entry:Gateway": "gateway",
  "lifeline:dns:RegionEndpoint": "gateway",
  "lifeline:dns:FailoverRecords": "gateway",
  "lifeline:release:SmokeGate": "integration",
  "lifeline:monitoring:Monitoring": "monitoring",
};

export interface PhaseOfUpdate {
  readonly resources: number;
  readonly failed: readonly string[];
  /** From the first resource begun to the last one ready; the engine works on several phases at once. */
  readonly seconds: number;
}

/** Splits an update into the phases of the runbook, by the clock. */
export function phasesOfUpdate(steps: readonly Step[]): Partial<Record<PhaseId, PhaseOfUpdate>> {
  const phases: Partial<Record<PhaseId, PhaseOfUpdate>> = {};
  const resources = steps.filter((step) => !step.type.startsWith("lifeline:"));
  for (const [phase, members] of Map.groupBy(resources, (step) => phaseOf(step.urn))) {
    if (phase !== undefined) phases[phase] = summarize(members);
  }
  return phases;
}

function phaseOf(urn: string): PhaseId | undefined {
  const types = urn.split("::")[2]?.split("$") ?? [];
  return types.map((type) => phaseOfComponent[type]).find((phase) => phase !== undefined);
}

function summarize(steps: readonly Step[]): PhaseOfUpdate {
  const began = Math.min(...steps.map((step) => step.startedAt));
  const ended = Math.max(...steps.map((step) => step.finishedAt ?? step.startedAt));
  return {
    resources: steps.length,
    failed: steps
      .filter((step) => step.failed === true || step.finishedAt === undefined)
      .map((step) => step.name),
    seconds: (ended - began) / 1000,
  };
}
