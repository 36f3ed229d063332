import { type CheckResult, type PhaseResult, type Status, isProven } from "./evidence.ts";
import { html, nothing } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { duration, tally } from "./words.ts";

const symbols: Readonly<Record<Status, string>> = { passed: "✓", failed: "✕", skipped: "–" };

/** A symbol for the eye and the word for a screen reader. */
export function mark(status: Status): Markup {
  return html`<span class="mark ${status}" role="img" aria-label="${status}"
    >${symbols[status]}</span
  >`;
}

/** Bars over one time axis: phases follow each other, so each starts where the last one ended. */
export function timeline(phases: readonly PhaseResult[]): Markup {
  const total = Math.max(
    phases.reduce((sum, phase) => sum + phase.seconds, 0),
    0.001,
  );
  let before = 0;
  const rows = phases.map((phase) => {
    const { runbook, title, seconds } = phase;
    const isUnchecked = phase.status === "passed" && !isProven(phase);
    const status = isUnchecked ? "skipped" : phase.status;
    const words = isUnchecked
      ? "not checked"
      : status === "skipped"
        ? "skipped"
        : duration(seconds);
    const start = (before / total) * 1000;
    const width = Math.max((seconds / total) * 1000, seconds > 0 ? 4 : 0);
    before += seconds;
    return html`<div class="row">
      <span class="clock">${runbook}</span><span>${title}</span>
      <svg
        class="lane ${status}"
        viewBox="0 0 1000 16"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <rect x="${start.toFixed(1)}" width="${width.toFixed(1)}" height="16" />
      </svg>
      <span class="num soft">${words}</span>
    </div>`;
  });
  return html`<div class="card timeline">${rows}</div>`;
}

/** One phase, or one rollback: every check with what was expected and what was measured. */
export function phaseSection(
  phase: Pick<PhaseResult, "runbook" | "title" | "checks" | "seconds"> & { readonly id: string },
): Markup {
  const { passed, failed, skipped } = tally(phase.checks);
  const counts = [
    [passed, "passed"],
    [failed, "failed"],
    [skipped, "skipped"],
  ] as const;
  const badges = counts
    .filter(([count]) => count > 0)
    .map(([count, status]) => html`<span class="badge ${status}">${count} ${status}</span> `);
  return html`<article class="card phase" id="${phase.id}">
    <header>
      <span class="clock">${phase.runbook}</span>
      <h3>${phase.title}</h3>
      <span>${badges}</span>
      <span class="soft num">${duration(phase.seconds)}</span>
    </header>
    <div class="scroll">
      <table>
        <colgroup>
          <col style="width:25%" />
          <col style="width:13%" />
          <col style="width:27%" />
          <col style="width:27%" />
          <col style="width:8%" />
        </colgroup>
        <thead>
          <tr>
            <th scope="col">Check</th>
            <th scope="col">Region</th>
            <th scope="col">Expected</th>
            <th scope="col">Measured</th>
            <th scope="col" class="num">Time</th>
          </tr>
        </thead>
        <tbody>
          ${grouped(phase.checks)}
        </tbody>
      </table>
    </div>
  </article>`;
}

/** The same check of several regions stands together, named once. */
function grouped(checks: readonly CheckResult[]): Markup[] {
  const groups = Map.groupBy(checks, (check) => check.name);
  return [...groups.values()].flatMap((group) =>
    group.map((check, index) => checkRow(check, index === 0 ? group.length : 0)),
  );
}

function checkRow(check: CheckResult, rows: number): Markup {
  const { name, region, status, expected, measured, detail, seconds } = check;
  const title = rows === 0 ? nothing : html`<th scope="rowgroup" rowspan="${rows}">${name}</th>`;
  const why =
    status === "passed"
      ? html`<span class="note">${detail}</span>`
      : html`<span class="why ${status}">${detail}</span>`;
  const result =
    status === "skipped"
      ? html`<td colspan="2"><span class="badge skipped">not run</span>${why}</td>`
      : html`<td data-label="Expected">${expected}</td>
          <td data-label="Measured">${measured}${detail === "" ? nothing : why}</td>`;
  return html`<tr class="${status} ${rows === 0 ? "again" : ""}">
    ${title}
    <td>${mark(status)} ${region ?? "both"}</td>
    ${result}
    <td class="num soft" data-label="Time">${status === "skipped" ? "" : duration(seconds)}</td>
  </tr> `;
}
