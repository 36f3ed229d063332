import { type Markup, html, nothing } from "./markup.ts";
import { type PageHead, page } from "./page.ts";
import { objectivesSection, section, table } from "./panels.ts";
import { mark, phaseSection } from "./phase-sections.ts";
import type { ChangeEvidence, RollbackEvidence } from "./rollback-evidence.ts";
import { duration } from "./words.ts";

/** The evidence of a rehearsal of rollbacks as one HTML file. */
export function renderRollbackPage(evidence: RollbackEvidence): string {
  const { run, verdict, changes, objectives } = evidence;
  return page(
    `${run.product}: rollback rehearsal ${verdict}`,
    headOf(evidence),
    html`${alarm(evidence)} ${changesTable(evidence)} ${objectivesSection(objectives)}
    ${changes.filter(({ back }) => back).map(wayBack)} ${refusals(evidence)} ${repeat()}`,
    nothing,
  );
}

function headOf({ verdict, run, changes }: RollbackEvidence): PageHead {
  const ways = changes.filter(({ back }) => back);
  const failed = changes.reduce((sum, { traffic }) => sum + traffic.failed, 0);
  return {
    verdict,
    kicker: `rollback rehearsal of ${run.product}, ${run.startedAt.slice(0, 16)}Z`,
    heading: verdict === "passed" ? "Every way back works" : "A way back does not work",
    lead: "Each release came out under traffic and was taken back: code, configuration and, where the release had ruined it, the data.",
    facts: [
      ["Ways back", String(ways.length)],
      ["Slowest", duration(Math.max(0, ...ways.map(({ seconds }) => seconds)))],
      ["Requests failed", String(failed)],
      ["Rows missing", String(ways.reduce((sum, { rows }) => sum + rows.missing, 0))],
    ],
  };
}

function alarm({ verdict, interruption, changes }: RollbackEvidence): Markup {
  if (verdict === "passed") return nothing;
  const failed = changes.flatMap(({ from, to, checks }) =>
    checks
      .filter(({ status }) => status === "failed")
      .map((it) => [`${from} to ${to}: ${it.name}`, `${it.measured} ${it.detail}`] as const),
  );
  const said = interruption === null ? failed : [["It ended early", interruption], ...failed];
  return html`<section class="alarm" aria-labelledby="failures">
    <h2 id="failures">What stands in the way</h2>
    <ul class="plain">
      ${said.map(
        ([what = "", why = ""]) =>
          html`<li>
            ${mark("failed")}<span><b>${what}</b>: ${why}</span>
          </li>`,
      )}
    </ul>
  </section>`;
}

function changesTable({ changes }: RollbackEvidence): Markup {
  return section(
    "changes",
    "Every change, under traffic",
    "From the flag to the end of the run, all gates passed. Rows are those that the entry acknowledged, compared with what the database has.",
    table(
      ["Change", "Level", "Took", "Promised", "Failed requests", "Longest gap", "Rows"],
      changes.map(({ from, to, level, seconds, promisedSeconds, traffic, rows }) => [
        `${from} → ${to}`,
        level,
        duration(seconds),
        promisedSeconds === null ? "" : duration(promisedSeconds),
        `${String(traffic.failed)} of ${String(traffic.failed + traffic.acknowledged)}`,
        duration(traffic.gapSeconds),
        `${String(rows.compared)} compared, ${String(rows.missing)} missing` +
          (rows.lostSincePoint === 0 ? "" : `, ${String(rows.lostSincePoint)} lost knowingly`),
      ]),
    ),
  );
}

/** What the runbook asks for after a rollback: times, validation, evidence, and what to tell people. */
function wayBack(change: ChangeEvidence, index: number): Markup {
  const { from, to, level, reason, seconds, parts, checks, kept, notification } = change;
  const id = `back-${String(index + 1)}`;
  return html`<section aria-labelledby="${id}-title">
    <h2 id="${id}-title">${from} back to ${to}</h2>
    <p>${reason}. Level: ${level}.</p>
    <div class="card flush scroll">
      <table>
        ${table(
          ["Part", "Began after", "Took"],
          parts.map((part) => [part.name, duration(part.startSeconds), duration(part.seconds)]),
        )}
      </table>
    </div>
    ${phaseSection({ id, runbook: level, title: "Validation after the rollback", checks, seconds })}
    <div class="card">
      <h3>Evidence kept of ${from}</h3>
      <ul class="plain">
        ${kept.map((file) => html`<li><span></span><code>${file}</code></li>`)}
      </ul>
      <h3>Notification</h3>
      <pre>${notification ?? ""}</pre>
    </div>
  </section>`;
}

function refusals({ refusals: refused }: RollbackEvidence): Markup {
  if (refused.length === 0) return nothing;
  return html`<section aria-labelledby="refusals">
    <h2 id="refusals">What was refused</h2>
    <p>Before anything was touched, with the commands that work.</p>
    ${refused.map(
      ({ tried, said }) =>
        html`<div class="card">
          <h3>${tried}</h3>
          <pre>${said}</pre>
        </div>`,
    )}
  </section>`;
}

function repeat(): Markup {
  return html`<section aria-labelledby="repeat">
    <h2 id="repeat">How to repeat it</h2>
    <pre><span class="soft">$ </span>npm run rehearse:rollback
<span class="soft">$ </span>npm run stop</pre>
  </section>`;
}
