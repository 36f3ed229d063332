import type { CheckResult } from "../report/evidence.ts";
import type { PhaseId } from "../report/phases.ts";
import { deployerReach, deployerRole, noClusterAccess } from "./access.ts";
import { endpointsRegistered, imagesOfRelease, noRestarts, replicasReady } from "./application.ts";
import { certificateReady, tlsSecret } from "./certificates.ts";
import {
  dataChecksums,
  databaseAnswers,
  membersReady,
  migrationComplete,
  schemaVersion,
  volumesBound,
} from "./database.ts";
import { gatewayProgrammed, redirectsToHttps, refusesOldTls, verifiedHttps } from "./gateway.ts";
import {
  backendHealth,
  pageShowsRelease,
  primaryEndpoint,
  rowSurvives,
  writeRefused,
} from "./integration.ts";
import { archives, backedUp, restorePoint, streams, synchronous } from "./data.ts";
import { databaseIsolation, unsafePodRefused } from "./isolation.ts";
import { loadTest } from "./load.ts";
import { agentMetrics, postgresMetrics, requestMetrics, targetsUp } from "./monitoring.ts";
import { limits, networkPolicies, podSecurity, secrets } from "./namespace.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

type RegionChecks = (
  region: RegionUnderTest,
  subject: Subject,
) => Promise<(CheckResult | CheckResult[])[]>;

const components = ["backend", "frontend"] as const;

/** The checks of each phase in one region; sign-off has its own, over the program's runs. */
const regional: Record<Exclude<PhaseId, "sign-off">, RegionChecks> = {
  foundation: (region, subject) =>
    Promise.all([
      podSecurity(region, subject),
      limits(region, subject),
      deployerRole(region, subject),
      deployerReach(region, subject),
      noClusterAccess(region, subject),
      networkPolicies(region, subject),
      secrets(region, subject),
      certificateReady(region, subject),
      tlsSecret(region, subject),
    ]),
  database: (region, subject) =>
    Promise.all([
      membersReady(region, subject),
      volumesBound(region, subject),
      dataChecksums(region, subject),
      ...(region.role === "primary" ? [migrationComplete(region, subject)] : []),
      schemaVersion(region, subject),
      databaseAnswers(region, subject),
    ]),
  data: (region, subject) =>
    Promise.all([
      region.role === "primary" ? synchronous(region, subject) : streams(region, subject),
      archives(region, subject),
      backedUp(region, subject),
      restorePoint(region, subject),
    ]),
  application: (region, subject) =>
    Promise.all(
      components.flatMap((component) => [
        replicasReady(region, subject, component),
        noRestarts(region, subject, component),
        endpointsRegistered(region, subject, component),
        imagesOfRelease(region, subject, component),
      ]),
    ),
  gateway: (region, subject) =>
    Promise.all([
      gatewayProgrammed(region, subject),
      verifiedHttps(region, subject),
      redirectsToHttps(region, subject),
      refusesOldTls(region, subject),
    ]),
  integration: (region, subject) =>
    Promise.all([
      pageShowsRelease(region, subject),
      backendHealth(region, subject),
      region.role === "primary" ? rowSurvives(region, subject) : writeRefused(region, subject),
      primaryEndpoint(region, subject),
    ]),
  monitoring: (region, subject) =>
    Promise.all([
      ...components.map((component) => requestMetrics(region, subject, component)),
      postgresMetrics(region, subject),
      agentMetrics(region, subject),
      targetsUp(region, subject),
    ]),
  load: async (region, subject) => (region.role === "primary" ? loadTest(region, subject) : []),
  security: (region, subject) =>
    Promise.all([databaseIsolation(region, subject), unsafePodRefused(region, subject)]),
};

/**
 * Runs one phase's checks, all regions at once. Never rejects because of what it found: a check
 * that cannot be made has failed.
 */
export async function runPhase(
  id: keyof typeof regional,
  regions: readonly RegionUnderTest[],
  subject: Subject,
): Promise<{ checks: CheckResult[]; seconds: number }> {
  const started = performance.now();
  const results = await Promise.all(regions.map((region) => regional[id](region, subject)));
  return {
    checks: results.flat(2),
    seconds: Math.round(performance.now() - started) / 1000,
  };
}
