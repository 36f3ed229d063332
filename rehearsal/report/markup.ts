/** HTML that is already safe. */
export class Markup {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

type Piece = Markup | string | number | readonly Piece[];

/** HTML from a template: every value is escaped unless it is Markup itself. */
export function html(strings: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  const parts = strings.map((text, index) => text + render(values[index] ?? ""));
  return new Markup(parts.join(""));
}

export const nothing = new Markup("");

function render(value: Piece): string {
  if (value instanceof Markup) return value.source;
  if (typeof value === "object") return value.map(render).join("");
  return escapeHtml(String(value));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text made safe for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
