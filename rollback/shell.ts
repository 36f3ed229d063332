/** A text as one word of a shell: as it is where a shell leaves it alone, quoted where it does not. */
export function quoted(text: string): string {
  return /^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The words of a line whose texts were quoted one by one. */
export function wordsOf(line: string): string[] {
  const words = line.match(/(?:'[^']*'|\\.|[^\s'\\])+/g) ?? [];
  return words.map((word) =>
    word.replace(/'([^']*)'|\\(.)/g, (_, inside?: string, escaped?: string) =>
      inside === undefined ? (escaped ?? "") : inside,
    ),
  );
}
