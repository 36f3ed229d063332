import type { Evidence } from "./evidence.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { type PageHead, page } from "./page.ts";
import { ladderSection } from "./ladder.ts";
import { absentSection, inventory, objectivesSection, regionCard, runsTable } from "./panels.ts";
import { mark, phaseSection, timeline } from "./phase-sections.ts";
import { provenBy } from "./proven.ts";
import { checksOf, duration, elapsedSeconds, fullName, headline, tally } from "./words.ts";

/** The evidence as one HTML file. */
export function renderReport(evidence: Evidence): string {
  const { verdict, run } = evidence;
  return page(
    `${run.product} ${run.release}: go-live rehearsal ${verdict}`,
    headOf(evidence),
    html`${failures(evidence)} ${proven(evidence)} ${regions(evidence)} ${phases(evidence)}
    ${ladderSection(evidence.proofs)} ${runsTable(evidence.runs)}
    ${objectivesSection(evidence.objectives)} ${absentSection(evidence)} ${skippedSection(evidence)}
    ${inventory(evidence)} ${repeat()}`,
    bottom(evidence),
  );
}

function headOf(evidence: Evidence): PageHead {
  const { verdict, run } = evidence;
  const { passed, failed, skipped } = tally(checksOf(evidence));
  return {
    verdict,
    kicker: `go-live rehearsal of ${run.product}, ${moment(run.startedAt)}`,
    heading: verdict === "passed" ? "Ready to go live" : "Not ready to go live",
    lead: headline(evidence),
    facts: [
      ["Release", run.release],
      ["Public name", run.host],
      ["Start to finish", duration(elapsedSeconds(evidence))],
      ["Checks passed", `${String(passed)} of ${String(passed + failed)}`],
      ["Skipped", String(skipped)],
    ],
  };
}

function failures(evidence: Evidence): Markup {
  const failed = checksOf(evidence).filter((check) => check.status === "failed");
  if (evidence.verdict === "passed") return nothing;
  return html`<section class="alarm" aria-labelledby="failures">
    <h2 id="failures">What stands in the way</h2>
    <ul class="plain">
      ${evidence.interruption === null ? nothing : failure("The rehearsal ended early", evidence.interruption)}
      ${failed.map((check) =>
        failure(
          fullName(check),
          `expected ${check.expected}; measured ${check.measured}${check.detail === "" ? "" : `. ${check.detail}`}`,
        ),
      )}
      ${evidence.objectives.map((it) =>
        it.status === "missed"
          ? failure(it.scenario, `objective ${it.objective}; measured ${it.measured}`)
          : nothing,
      )}
    </ul>
  </section>`;
}

function failure(what: string, why: string): Markup {
  return html`<li>
    ${mark("failed")}<span><b>${what}</b>: ${why}</span>
  </li>`;
}

function proven(evidence: Evidence): Markup {
  const sentences = provenBy(evidence);
  if (sentences.length === 0) return nothing;
  return html`<section aria-labelledby="proven">
    <h2 id="proven">What was proven</h2>
    <p>Each sentence stands for measurements further down, taken on running clusters.</p>
    <ul class="plain">
      ${sentences.map((text) => html`<li>${mark("passed")}<span>${text}</span></li>`)}
    </ul>
  </section>`;
}

function regions(evidence: Evidence): Markup {
  return html`<section aria-labelledby="regions">
    <h2 id="regions">The two regions</h2>
    <p>As requests pass through them. Each square is a pod; a filled one is ready.</p>
    <div class="pair">${evidence.regions.map(regionCard)}</div>
  </section>`;
}

function phases(evidence: Evidence): Markup {
  return html`<section aria-labelledby="timeline">
      <h2 id="timeline">The runbook, phase by phase</h2>
      <p>
        The clock on the left is the runbook's, in minutes from going live. The bars are what the
        checks took.
      </p>
      ${timeline(evidence.phases)}
    </section>
    <section aria-labelledby="checks">
      <h2 id="checks">Every check</h2>
      <p>Expected against measured. A check that was not made says why and counts for nothing.</p>
      ${evidence.phases.map(phaseSection)}
    </section>`;
}

function skippedSection(evidence: Evidence): Markup {
  const skipped = checksOf(evidence).filter((check) => check.status === "skipped");
  if (skipped.length === 0) return nothing;
  return html`<section aria-labelledby="skipped">
    <h2 id="skipped">What was skipped</h2>
    <p>Not proven by this run, in either direction.</p>
    <ul class="plain">
      ${skipped.map(
        (check) =>
          html`<li>
            ${mark("skipped")}<span><b>${fullName(check)}</b>: ${check.detail}</span>
          </li>`,
      )}
    </ul>
  </section>`;
}

function repeat(): Markup {
  return html`<section aria-labelledby="repeat">
    <h2 id="repeat">How to repeat it</h2>
    <p>
      On any Linux machine, as root, with Node and Go. The second line removes everything again.
    </p>
    <pre><span class="soft">$ </span>npm start
<span class="soft">$ </span>npm run stop</pre>
  </section>`;
}

function bottom({ run, version }: Evidence): Markup {
  const { os, kernel, architecture, cores, memoryGib } = run.machine;
  return html`<footer>
    ${os}, kernel ${kernel}, ${architecture}, ${cores} cores, ${memoryGib.toFixed(0)} GiB. Lifeline
    commit <code>${run.commit ?? "unknown"}</code>. Started ${moment(run.startedAt)}, finished
    ${moment(run.finishedAt)}. Evidence format ${version}; the same facts for machines are in
    evidence.json.
  </footer>`;
}

function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}
