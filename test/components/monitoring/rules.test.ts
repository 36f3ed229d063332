import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { objectives } from "../../../components/lib/objectives.ts";
import { alerts, pageOf } from "../../../components/monitoring/rules.ts";

const all = alerts("acme-test");
const exprOf = (name: string) => all.find(({ alert }) => alert === name)?.expr ?? "";
const metricsOf = (expr: string) => new Set(expr.match(/\b[a-z_]+(?=\{)/g));

describe("alerts", () => {
  test("look at the product's own namespace only", () => {
    for (const { expr } of all) {
      const selectors = expr.match(/\{[^}]*\}/g) ?? [];
      expect(selectors.length).toBeGreaterThan(0);
      for (const selector of selectors) expect(selector).toContain('namespace="acme-test"');
    }
  });

  test("have a twin for every series they look at, for when it is gone", () => {
    const watched = all
      .filter(({ expr }) => !expr.startsWith("absent("))
      .flatMap(({ expr }) => [...metricsOf(expr)]);
    // What only a member that writes can measure is missed on such members: the standby region has none.
    const twins = new Set(
      all
        .filter(({ expr }) => expr.startsWith("absent(") || expr.includes(" unless "))
        .flatMap(({ expr }) => [...metricsOf(expr)]),
    );
    expect(watched.filter((metric) => !twins.has(metric))).toEqual([]);
  });

  test("look only at what the agent measures, as its table says", () => {
    const table = readFileSync(join(import.meta.dirname, "../../../docs/metrics.md"), "utf8");
    const watched = all.flatMap(({ expr }) => [...metricsOf(expr)]);
    const unknown = watched
      .filter((metric) => metric.startsWith("lifeline_postgres_"))
      .filter((metric) => !new RegExp(`\\b${metric}\\b`).test(table));
    expect(unknown).toEqual([]);
  });

  test("are named once", () => {
    const names = all.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
  });

  test("wait a while before they call", () => {
    for (const alert of all) expect(alert.for).toMatch(/^[1-9]\d*m$/);
  });

  test("lead to a page named after them", () => {
    expect(all.map(pageOf)).toContain("backend-metrics-absent.md");
  });

  test("see an archiver that hangs by what waits, too: a crash makes Postgres forget what it archived last", () => {
    const leads = expect.stringMatching(/and on \(pod\) max by \(pod\) \(\S*role\{.*leader/);
    const parts = exprOf("WalArchiveStale").split(" or ");
    expect(parts).toEqual([leads, leads]);
    expect(parts[0]).toMatch(/wal_last_archived_age_seconds\{[^}]*\} > 300\b/);
    expect(parts[1]).toMatch(/wal_ready_oldest_age_seconds\{[^}]*\} > 300\b/);
  });

  test("miss a weekly full backup although differential ones go on", () => {
    const [any, full] = exprOf("BaseBackupStale").split(" or ");
    expect(any).toMatch(/completion_seconds\{[^}]*job="postgres"\}\) > 93600$/);
    expect(full).toMatch(/completion_seconds\{[^}]*type="full"\}\) > 691200$/);
  });

  test("hold a restore proof to what the proof itself allows", () => {
    const { lossSeconds } = objectives.restoreProof;
    expect(exprOf("RestoreTooSlow")).toMatch(
      new RegExp(`rpo_seconds\\{[^}]*\\}\\) > ${String(lossSeconds)}$`),
    );
  });

  test("call at once for two regions that write", () => {
    const found = all.find(({ alert }) => alert === "TwoRegionsWrite");
    expect(found).toMatchObject({ severity: "page", for: "1m" });
    expect(found?.expr).toMatch(/lifeline_postgres_peer_writes\{[^}]*\}\) == 1$/);
  });

  test.each(all)("$alert has its page", (alert) => {
    const pages = join(import.meta.dirname, "../../../docs/runbooks");
    expect(existsSync(join(pages, pageOf(alert)))).toBe(true);
  });
});
