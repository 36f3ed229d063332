// @ts-check
// As of v1.1.0: notes tell their number of words; with the feature on, those that begin with "!" come first.
const longestText = 1_000;
const largestBody = 16_384;

/** @param {import("node:http").IncomingMessage} request @returns {Promise<{ text: string } | { status: number, problem: string }>} */
export async function readNote(request) {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) {
    body += chunk;
    if (body.length > largestBody)
      return { status: 413, problem: `a request may have ${largestBody} characters` };
  }
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(body);
  } catch {
    return { status: 400, problem: 'the body must be JSON such as {"text": "..."}' };
  }
  const text = /** @type {{ text?: unknown } | null} */ (value)?.text;
  if (typeof text !== "string" || text.trim() === "" || text.length > longestText)
    return { status: 400, problem: `text must be a string of 1 to ${longestText} characters` };
  return { text };
}

const pinnedFirst = process.env["FEATURE_PINNED_NOTES"] === "true";

/** @param {string} text */
const isPinned = (text) => text.startsWith("!");

/** @param {{ query: Function }} pool */
export async function listNotes(pool) {
  const { rows } = await pool.query(
    "SELECT id, text, created_at FROM notes ORDER BY id DESC LIMIT 50",
  );
  const notes = rows.map((/** @type {{ text: string }} */ note) => ({
    ...note,
    words: note.text.trim().split(/\s+/).length,
  }));
  if (!pinnedFirst) return notes;
  return notes.sort(
    (/** @type {{ text: string }} */ a, /** @type {{ text: string }} */ b) =>
      Number(isPinned(b.text)) - Number(isPinned(a.text)),
  );
}

/** @param {{ query: Function }} pool @param {string} text */
export async function storeNote(pool, text) {
  const { rows } = await pool.query(
    "INSERT INTO notes (text) VALUES ($1) RETURNING id, text, created_at",
    [text],
  );
  return rows[0];
}
