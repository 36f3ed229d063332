import type { Evidence, Proof } from "./evidence.ts";
import { html, nothing } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { mark } from "./phase-sections.ts";
import { duration } from "./words.ts";

/** Every rung of the restore proofs, with what it found and took in each region. */
export function ladderSection(proofs: Evidence["proofs"]): Markup {
  if (proofs.length === 0) return nothing;
  const rungs = [...new Set(proofs.flatMap(({ phases }) => phases.map(({ name }) => name)))];
  const row = (title: string, cell: (proof: Proof) => Markup | string) =>
    html`<tr>
      <th scope="row">${title}</th>
      ${proofs.map((proof) => html`<td>${cell(proof)}</td>`)}
    </tr>`;
  return html`<section aria-labelledby="ladder">
    <h2 id="ladder">The data, brought back from the archive alone</h2>
    <p>
      Each region's latest backup was restored with keys that can only read, beside the living
      database, and judged rung by rung. The first rung that fails ends the climb.
    </p>
    <div class="card flush scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Rung</th>
            ${proofs.map(({ region, result }) => html`<th scope="col">${region}: ${result}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rungs.map((name) => row(name, (proof) => rung(proof, name)))}
          ${row("back and usable after", (it) => figure(it.measuredRtoSeconds))}
          ${row("behind the living database", (it) => figure(it.measuredRpoSeconds))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function rung({ phases }: Proof, name: string): Markup | string {
  const found = phases.find((phase) => phase.name === name);
  if (found === undefined) return "not reached";
  const { ok, seconds, detail } = found;
  return html`${mark(ok ? "passed" : "failed")} ${duration(seconds)}<span class="note"
      >${detail}</span
    >`;
}

const figure = (seconds: number | null): string =>
  seconds === null ? "not measured" : duration(seconds);
