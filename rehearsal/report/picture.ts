import type { RegionEvidence } from "./evidence.ts";
import { html } from "./markup.ts";
import type { Markup } from "./markup.ts";

type Workloads = NonNullable<RegionEvidence["workloads"]>;
type Part = keyof Workloads;

const box = { width: 118, height: 70 } as const;

/** Where each part stands, in the order requests pass through them. */
const places: readonly { part: Part; label: string; x: number; y: number }[] = [
  { part: "gateway", label: "Gateway", x: 40, y: 65 },
  { part: "frontend", label: "Frontend", x: 211, y: 10 },
  { part: "backend", label: "Backend", x: 211, y: 120 },
  { part: "postgres", label: "Postgres", x: 382, y: 120 },
];

/** One region drawn as requests see it, with a square for each pod, filled when it is ready. */
export function regionPicture({ name, role, workloads }: RegionEvidence): Markup {
  if (workloads === null) {
    return html`<p class="soft">What ran here could not be read.</p>`;
  }
  const counts = places.map(({ part, label }) => `${label} ${ready(workloads, part)}`).join(", ");
  return html`<svg
    viewBox="0 0 502 200"
    role="img"
    aria-label="${name}, ${role}. Ready: ${counts}."
  >
    <path class="wire" d="M4 100H32" />
    <path class="tip" d="M40 100l-9-4.5v9z" />
    <path class="wire" d="M158 88C186 88 174 45 202 45" />
    <path class="tip" d="M211 45l-9-4.5v9z" />
    <path class="wire" d="M158 112C186 112 174 155 202 155" />
    <path class="tip" d="M211 155l-9-4.5v9z" />
    <path class="wire" d="M329 155H373" />
    <path class="tip" d="M382 155l-9-4.5v9z" />
    ${places.map((place) => partBox(place, workloads))}
  </svg>`;
}

function partBox({ part, label, x, y }: (typeof places)[number], workloads: Workloads): Markup {
  return html`<rect
      class="box"
      x="${x}"
      y="${y}"
      width="${box.width}"
      height="${box.height}"
      rx="8"
    />
    <text x="${x + 14}" y="${y + 26}">${label}</text>
    <text class="count" x="${x + box.width - 14}" y="${y + 53}" text-anchor="end">
      ${ready(workloads, part)}
    </text>
    ${pods(x + 14, y + 42, workloads[part])} `;
}

/** At most this many squares fit; the number beside the name says the rest. */
const widest = 6;

function pods(x: number, y: number, { ready, desired }: Workloads[Part]): Markup[] {
  return Array.from(
    { length: Math.min(desired, widest) },
    (_, index) =>
      html`<rect
        class="pod ${index < ready ? "up" : ""}"
        x="${x + index * 15.5}"
        y="${y}"
        width="12"
        height="12"
        rx="3"
      />`,
  );
}

function ready(workloads: Workloads, part: Part): string {
  return `${workloads[part].ready}/${workloads[part].desired}`;
}
