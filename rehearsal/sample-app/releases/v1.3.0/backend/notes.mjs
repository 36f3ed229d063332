// @ts-check
// As of v1.3.0: a note that begins with "!" is pinned, in a column of its own.
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

/** @param {{ query: Function }} pool */
export async function listNotes(pool) {
  const { rows } = await pool.query(
    "SELECT id, text, pinned, created_at FROM notes ORDER BY pinned DESC, id DESC LIMIT 50",
  );
  return rows;
}

/** @param {{ query: Function }} pool @param {string} text */
export async function storeNote(pool, text) {
  const { rows } = await pool.query(
    "INSERT INTO notes (text, pinned) VALUES ($1, $2) RETURNING id, text, pinned, created_at",
    [text, text.startsWith("!")],
  );
  return rows[0];
}
