import { Markup, html } from "./markup.ts";
import { style } from "./style.ts";

/** What stands above everything else on a page of evidence. */
export interface PageHead {
  readonly verdict: "passed" | "failed";
  /** What was rehearsed, of whom, when. */
  readonly kicker: string;
  readonly heading: string;
  readonly lead: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** One HTML file that needs nothing else: no script, no font, no network. */
export function page(title: string, head: PageHead, main: Markup, foot: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        ${top(head)}
        <main>${main}</main>
        ${foot}
      </body>
    </html> `.source;
}

function top({ verdict, kicker, heading, lead, facts }: PageHead): Markup {
  return html`<header class="${verdict}">
    <div class="inner">
      <p class="kicker"><b>Lifeline</b> ${kicker}</p>
      <h1>${heading}</h1>
      <p class="lead">${lead}</p>
      <dl class="facts">
        ${facts.map(
          ([name, value]) =>
            html`<div>
              <dt>${name}</dt>
              <dd>${value}</dd>
            </div>`,
        )}
      </dl>
    </div>
  </header>`;
}
