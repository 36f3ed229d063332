import { assembleEvidence } from "../../../rehearsal/report/evidence.ts";
import type { CheckResult, Evidence, Findings, Proof } from "../../../rehearsal/report/evidence.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const both = ["eu-north-1", "eu-west-1"] as const;

/** A check that passed in each region. */
function passed(name: string, expected: string, measured: string, seconds = 0.02): CheckResult[] {
  return both.map((region) => ({
    name,
    region,
    status: "passed",
    seconds,
    expected,
    measured,
    detail: "",
  }));
}

/** A check of the given outcome, about the whole. */
export function checkResult(overrides: Partial<CheckResult> = {}): CheckResult {
  return {
    name: "A second run changes nothing",
    status: "passed",
    seconds: 1.4,
    expected: "0 created, 0 updated, 0 replaced, 0 deleted",
    measured: "0 created, 0 updated, 0 replaced, 0 deleted, 131 unchanged",
    detail: "",
    ...overrides,
  };
}

/** The restore proof of a region, up to the rung that failed. */
export function proofOf(region: string, red?: { rung: string; detail: string }): Proof {
  const names = ["ledger", "listing", "restore", "recovery", "pages"];
  const last = red === undefined ? names.length : names.indexOf(red.rung) + 1;
  return {
    startedAt: "2026-11-21T09:15:03.000Z",
    finishedAt: "2026-11-21T09:15:24.000Z",
    region,
    generation: 1,
    result: red === undefined ? "green" : "red",
    reason: red === undefined ? null : `${red.rung}: ${red.detail}`,
    measuredRpoSeconds: red === undefined ? 41.5 : null,
    measuredRtoSeconds: red === undefined ? 3.25 : null,
    phases: names.slice(0, last).map((name) => ({
      name,
      seconds: 1.5,
      ok: name !== red?.rung,
      detail: name === red?.rung ? red.detail : `${name} of ${region}`,
    })),
  };
}

/** The findings of a rehearsal in which everything went well. */
export function findings(overrides: Partial<Findings> = {}): Findings {
  const workload = (count: number) => ({ ready: count, desired: count });
  const region = (name: string, role: "primary" | "standby", address: string) => ({
    name,
    role,
    context: `lifeline-${name}`,
    address,
    milestones: [
      { name: "etcd and API server answer", seconds: 3.1 },
      { name: "Node ready", seconds: 6.8 },
      { name: "DNS, volumes, gateway ready", seconds: 11.2 },
    ],
    workloads: {
      gateway: workload(1),
      frontend: workload(2),
      backend: workload(3),
      postgres: workload(1),
    },
  });
  return {
    interruption: null,
    run: {
      startedAt: "2026-11-21T09:14:03.000Z",
      finishedAt: "2026-11-21T09:17:51.000Z",
      product: "gravl",
      release: "v1.0.0",
      host: "gravl.lifeline.test",
      machine: {
        os: "Debian GNU/Linux 12",
        kernel: "6.1.0",
        architecture: "x64",
        cores: 2,
        memoryGib: 24,
      },
      commit: "4f2a9c1d0b7e",
    },
    tools: [
      { name: "pulumi", version: "3.256.0", how: "built", seconds: 271.4 },
      { name: "kubelet", version: "1.34.4", how: "built", seconds: 330 },
      { name: "containerd", version: "1.6.20", how: "found", seconds: 0 },
    ],
    regions: [
      region("eu-north-1", "primary", "10.90.0.1"),
      region("eu-west-1", "standby", "10.90.0.2"),
    ],
    standIns: [
      {
        name: "provider aws",
        inPlaceOf: "pulumi-resource-aws",
        limits:
          "Remembers inputs and computes identifiers: it proves differences and order, not AWS.",
      },
    ],
    absent: [
      {
        name: "External Secrets operator",
        consequence: "Its objects are checked against their schema; nobody acts on them.",
      },
    ],
    images: [
      {
        name: "backend",
        reference: `registry.example/gravl/backend@${digest("a")}`,
        seconds: 12.3,
        cached: false,
      },
      {
        name: "postgres",
        reference: `registry.example/gravl/postgres@${digest("b")}`,
        seconds: 41,
        cached: true,
      },
    ],
    proofs: both.map((region) => proofOf(region)),
    phases: {
      foundation: {
        seconds: 0.9,
        checks: [
          ...passed(
            "Namespace enforces restricted pods",
            "enforce=restricted",
            "enforce=restricted, audit=restricted, warn=restricted",
          ),
          ...passed(
            "Default deny and named network policies",
            "default deny of ingress and egress, at least 5 named policies",
            "default deny: yes, named: 17",
          ),
          checkResult({
            name: "Secret registry-pull-secret",
            region: both[0],
            status: "skipped",
            expected: "",
            measured: "",
            detail: "Images are pulled without credentials, so there is no such secret.",
          }),
          ...passed(
            "TLS secret holds a valid chain",
            "a certificate for gravl.lifeline.test, in date, signed by the trusted authority, with its key",
            "DNS:gravl.lifeline.test, 89 days left, issued by CN=Lifeline rehearsal",
          ),
        ],
      },
      database: {
        seconds: 1.3,
        checks: [
          ...passed(
            "Postgres pod ready",
            "Running, 2/2 ready, 0 restarts",
            "Running, 2/2 ready, 0 restarts",
          ),
          ...passed("Data checksums on", "on", "on", 0.31),
          ...passed("Schema at the release's version", "1", "1", 0.29),
        ],
      },
      application: {
        seconds: 0.4,
        checks: passed(
          "backend: replicas ready",
          "at least 3 replicas, all ready, all of this release",
          "3/3 ready, 3 of this release",
        ),
      },
      gateway: {
        seconds: 0.8,
        checks: passed(
          "HTTPS with a verified certificate",
          "200 over TLS 1.2 or newer, certificate for gravl.lifeline.test from the trusted authority",
          "200 over TLSv1.3, certificate for DNS:gravl.lifeline.test",
          0.05,
        ),
      },
      integration: {
        seconds: 1.1,
        checks: passed("/primary tells the roles apart", "200 in the primary region", "200"),
      },
      monitoring: {
        seconds: 0.5,
        checks: [
          ...passed("Postgres exporter: metrics answer", "pg_up 1", "pg_up 1"),
          ...both.map((name) =>
            checkResult({
              name: "Prometheus sees every target up",
              region: name,
              status: "skipped",
              expected: "",
              measured: "",
              detail: "No Prometheus and no Alertmanager in this cluster.",
            }),
          ),
        ],
      },
      load: {
        seconds: 10.2,
        checks: [
          checkResult({
            name: "95th percentile of latency",
            region: both[0],
            expected: "below 200 ms",
            measured: "31.4 ms",
          }),
        ],
      },
      security: {
        seconds: 12.6,
        checks: passed(
          "A pod without the right label cannot reach Postgres",
          "blocked",
          "blocked",
          11.8,
        ),
      },
      "sign-off": { seconds: 3.4, checks: [checkResult()] },
    },
    runs: [
      {
        name: "Go live",
        seconds: 74,
        created: 131,
        updated: 0,
        replaced: 0,
        deleted: 0,
        unchanged: 0,
      },
      {
        name: "Second run",
        seconds: 3.2,
        created: 0,
        updated: 0,
        replaced: 0,
        deleted: 0,
        unchanged: 131,
      },
    ],
    objectives: [
      {
        scenario: "app rollback",
        objective: "back within 5 min",
        status: "not measured in this run",
      },
    ],
    ...overrides,
  };
}

export function passedEvidence(): Evidence {
  return assembleEvidence(findings());
}

/** One check failed, and the rehearsal stopped there. */
export function failedEvidence(): Evidence {
  const { phases, regions } = findings();
  const broken = checkResult({
    name: "backend: replicas ready",
    region: both[0],
    status: "failed",
    expected: "at least 3 replicas, all ready, all of this release",
    measured: "1/3 ready, 3 of this release",
    detail: 'CrashLoopBackOff: <script>alert("1 & 2")</script>',
  });
  return assembleEvidence(
    findings({
      interruption: "the backend did not become ready within 120 s",
      regions: regions.map((it) => ({
        ...it,
        workloads: it.workloads && { ...it.workloads, backend: { ready: 1, desired: 3 } },
      })),
      phases: {
        foundation: phases.foundation ?? { checks: [], seconds: 0 },
        database: phases.database ?? { checks: [], seconds: 0 },
        application: { seconds: 120, checks: [broken] },
      },
    }),
  );
}
