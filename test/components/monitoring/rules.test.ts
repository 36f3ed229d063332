import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { alerts, pageOf } from "../../../components/monitoring/rules.ts";

const all = alerts("acme-test");
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
    const twins = new Set(
      all
        .filter(({ expr }) => expr.startsWith("absent("))
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

  test.each(all)("$alert has its page", (alert) => {
    const pages = join(import.meta.dirname, "../../../docs/runbooks");
    expect(existsSync(join(pages, pageOf(alert)))).toBe(true);
  });
});
