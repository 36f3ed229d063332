import { type Markup, html, nothing } from "./markup.ts";
import { page } from "./page.ts";
import { section, table } from "./panels.ts";
import { phaseSection } from "./phase-sections.ts";
import type { ReviewEvidence } from "./review-evidence.ts";
import { duration, tally } from "./words.ts";

/** One look at what runs, as one HTML file. */
export function renderReviewPage(evidence: ReviewEvidence): string {
  const { run, verdict, deployment, seconds, promisedSeconds, phases, notification } = evidence;
  const { passed, failed } = tally(phases.flatMap(({ checks }) => checks));
  const took = seconds === null ? "not known" : duration(seconds);
  return page(
    `${run.product} ${deployment.release}: ${verdict}`,
    {
      verdict,
      kicker: `review of ${run.product} in the stack ${run.stack}, ${run.reviewedAt.slice(0, 16)}Z`,
      heading:
        verdict === "passed"
          ? `${deployment.release} runs as it should`
          : `${deployment.release} does not run as it should`,
      lead: saidOf(evidence),
      facts: [
        ["Took", took],
        ...(promisedSeconds === null ? [] : [["Promised", duration(promisedSeconds)] as const]),
        ["Checks passed", String(passed)],
        ["Checks failed", String(failed)],
      ],
    },
    html`${partsTable(evidence)} ${phases.map(phaseSection)} ${keptCard(evidence)}
    ${byHand(evidence)}
    ${notification === null ? nothing : card("notification", "Notification", notification)}`,
    nothing,
  );
}

function saidOf({ deployment, notification }: ReviewEvidence): string {
  const { number, release, from, level, at, by, reason, emergency } = deployment;
  const way =
    from === null ? release : `${from} ${notification === null ? "to" : "back to"} ${release}`;
  const why = reason === null ? "No reason was given." : `Reason: ${reason}.`;
  return `Deployment ${String(number)}: ${way}, level ${level}, by ${by}, ${at.slice(0, 16)}Z${emergency ? ", as an emergency" : ""}. ${why}`;
}

function partsTable({ parts }: ReviewEvidence): Markup {
  if (parts.length === 0) return nothing;
  return section(
    "parts",
    "Parts of the change",
    "When each was done, counted from the command.",
    table(
      ["Part", "Done after"],
      parts.map(({ name, endSeconds }) => [name, duration(endSeconds)]),
    ),
  );
}

function keptCard({ kept, deployment }: ReviewEvidence): Markup {
  if (kept.length === 0) return nothing;
  return list("kept", `Evidence kept of ${deployment.from ?? "what ran before"}`, kept, true);
}

const byHand = ({ byHand: left }: ReviewEvidence): Markup =>
  list("by-hand", "Left for people", left, false);

function list(id: string, title: string, lines: readonly string[], isCode: boolean): Markup {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    <div class="card">
      <ul class="plain">
        ${lines.map(
          (line) =>
            html`<li>
              <span></span>${isCode ? html`<code>${line}</code>` : html`<span>${line}</span>`}
            </li>`,
        )}
      </ul>
    </div>
  </section>`;
}

function card(id: string, title: string, text: string): Markup {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    <div class="card"><pre>${text}</pre></div>
  </section>`;
}
