import type { Evidence, ObjectiveResult, RegionEvidence } from "./evidence.ts";
import { html, nothing } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { regionPicture } from "./picture.ts";
import { duration } from "./words.ts";

/** One region: role, address, what runs, and how long each step of its start took. */
export function regionCard(region: RegionEvidence): Markup {
  const longest = Math.max(...region.milestones.map((it) => it.seconds), 0.001);
  const bars = region.milestones.map(
    ({ name, seconds }) =>
      html`<span>${name}</span>
        <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
          <rect width="${((seconds / longest) * 100).toFixed(1)}" height="10" />
        </svg>
        <span class="num soft">${duration(seconds)}</span>`,
  );
  return html`<figure class="card">
    <figcaption class="region-head">
      <h3>${region.name}</h3>
      <span class="badge ${region.role === "primary" ? "passed" : "neutral"}">${region.role}</span>
      <span class="where"
        ><code>${region.address}</code>, context <code>${region.context}</code></span
      >
    </figcaption>
    ${regionPicture(region)}
    <div class="bars">${bars}</div>
  </figure>`;
}

/** What each run of the program did; the second should have found nothing to do. */
export function runsTable(runs: Evidence["runs"]): Markup {
  if (runs.length === 0) return nothing;
  const rows = runs.map(
    (run) =>
      html`<tr>
        <th scope="row">${run.name}</th>
        ${[run.created, run.updated, run.replaced, run.deleted, run.unchanged].map(
          (count) => html`<td class="num">${count}</td>`,
        )}
        <td class="num soft">${duration(run.seconds)}</td>
      </tr>`,
  );
  const columns = ["Created", "Updated", "Replaced", "Deleted", "Unchanged", "Time"];
  return section(
    "runs",
    "Runs of the program",
    "Resources by what happened to them.",
    html`<thead>
        <tr>
          <th scope="col">Run</th>
          ${columns.map((column) => html`<th scope="col" class="num">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>`,
  );
}

export function objectivesSection(objectives: readonly ObjectiveResult[]): Markup {
  if (objectives.length === 0) return nothing;
  const tone = { met: "passed", missed: "failed", "not measured in this run": "skipped" } as const;
  return section(
    "objectives",
    "Recovery objectives",
    "What is promised, and what this run measured of it.",
    table(
      ["Scenario", "Objective", "Measured", ""],
      objectives.map((it) => [
        it.scenario,
        it.objective,
        "measured" in it ? it.measured : "",
        html`<span class="badge ${tone[it.status]}">${it.status}</span>`,
      ]),
    ),
  );
}

/** What stood in for the real thing, and what was not there at all. */
export function absentSection({ standIns, absent }: Evidence): Markup {
  if (standIns.length + absent.length === 0) return nothing;
  return section(
    "not-real",
    "What was not real",
    "Everything else was: the clusters, the engine, the database, the gateway, the certificates' checks.",
    table(
      ["Part", "In place of", "What that means"],
      [
        ...standIns.map((it) => [it.name, it.inPlaceOf, it.limits]),
        ...absent.map((it) => [
          it.name,
          html`<span class="badge skipped">absent</span>`,
          it.consequence,
        ]),
      ],
    ),
  );
}

/** Everything that was used, exactly enough to use it again. */
export function inventory({ tools, images }: Evidence): Markup {
  return html`${
    images.length === 0
      ? nothing
      : section(
          "images",
          "Container images",
          "By digest: the same bytes wherever they run.",
          table(
            ["Image", "Reference", "Origin"],
            images.map((it) => [
              it.name,
              html`<code>${it.reference}</code>`,
              it.cached ? "cached" : `built in ${duration(it.seconds)}`,
            ]),
          ),
        )
  }
  ${
    tools.length === 0
      ? nothing
      : section(
          "tools",
          "Toolchain",
          "Taken from the machine where the version fits, else downloaded, else built from source.",
          table(
            ["Tool", "Version", "Origin"],
            tools.map((it) => [it.name, it.version, `${it.how}, ${duration(it.seconds)}`]),
          ),
        )
  }`;
}

export function section(id: string, title: string, lead: string, content: Markup): Markup {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    <p>${lead}</p>
    <div class="card flush scroll">
      <table>
        ${content}
      </table>
    </div>
  </section>`;
}

export function table(
  columns: readonly string[],
  rows: readonly (readonly (string | Markup)[])[],
): Markup {
  return html`<thead>
      <tr>
        ${columns.map((column) => html`<th scope="col">${column}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([first = "", ...others]) =>
          html`<tr>
            <th scope="row">${first}</th>
            ${others.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>`;
}
