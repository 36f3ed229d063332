// @ts-check
// The page as text, so that it needs neither a build nor a file of its own at run time.

/** @param {string} text */
const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** @param {{ title: string, release: string }} content */
export const page = ({ title, release }) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
  body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
  dt { color: #556; } dd { margin: 0 0 .8rem; font-weight: 600; }
</style>
</head>
<body>
<h1>${escape(title)}</h1>
<dl>
  <dt>Page of release</dt><dd>${escape(release)}</dd>
  <dt>Backend</dt><dd id="backend">asking...</dd>
</dl>
<h2>Notes</h2>
<form id="new"><input name="text" maxlength="1000" required aria-label="Note"> <button>Add</button></form>
<p id="problem" role="alert"></p>
<ul id="notes"></ul>
<script>
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  async function refresh() {
    try {
      const health = await (await fetch("/api/health")).json();
      show("backend", health.error ?? health.release + ", schema " + health.schema + (health.writable ? ", writable" : ", read-only"));
      const notes = await (await fetch("/api/notes")).json();
      document.getElementById("notes").replaceChildren(...notes.map(({ text }) =>
        Object.assign(document.createElement("li"), { textContent: text })));
    } catch (error) {
      show("backend", "not reachable: " + error.message);
    }
  }
  document.getElementById("new").addEventListener("submit", async (event) => {
    event.preventDefault();
    const reply = await fetch("/api/notes", { method: "POST", body: JSON.stringify(Object.fromEntries(new FormData(event.target))) });
    show("problem", reply.ok ? "" : (await reply.json()).error);
    if (reply.ok) event.target.reset();
    await refresh();
  });
  refresh();
</script>
</body>
</html>
`;
