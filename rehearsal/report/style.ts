/** The report's whole appearance. Colours are defined once per scheme; print is always light. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f4f5f2; --card: #ffffff; --ink: #16211c; --soft: #5a6762; --line: #dfe4e0;
  --wash: #eef1ee; --accent: #1f5f8b;
  --good: #17704a; --good-wash: #e2f2e9; --bad: #b3261e; --bad-wash: #fbe7e5;
  --skip: #7a5a00; --skip-wash: #f8efd6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101513; --card: #18201d; --ink: #e6ece8; --soft: #9aa8a1; --line: #2b3632;
    --wash: #202a26; --accent: #7db7de;
    --good: #5ccb95; --good-wash: #17342a; --bad: #ff8b80; --bad-wash: #3d1d1b;
    --skip: #e0bd62; --skip-wash: #352c15;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main, header .inner, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { background: var(--card); border-bottom: 1px solid var(--line); border-top: 6px solid var(--tone); }
header .inner { padding-top: 30px; padding-bottom: 28px; }
.passed { --tone: var(--good); --tone-wash: var(--good-wash); }
.failed { --tone: var(--bad); --tone-wash: var(--bad-wash); }
.skipped { --tone: var(--skip); --tone-wash: var(--skip-wash); }
.kicker { margin: 0 0 14px; color: var(--soft); font-size: 13px; letter-spacing: .02em; }
.kicker b { color: var(--ink); font-weight: 650; }
h1 { margin: 0; font-size: 38px; line-height: 1.15; letter-spacing: -.02em; font-weight: 720; color: var(--tone); }
.lead { margin: 10px 0 0; font-size: 18px; max-width: 62ch; text-wrap: pretty; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 18px 28px; margin: 26px 0 0; }
.facts div { border-top: 1px solid var(--line); padding-top: 10px; }
.facts dt { color: var(--soft); font-size: 13px; }
.facts dd { margin: 2px 0 0; font-size: 19px; font-weight: 620; font-variant-numeric: tabular-nums; }
section { margin: 38px 0; }
h2 { margin: 0 0 4px; font-size: 21px; letter-spacing: -.01em; font-weight: 680; }
h3 { margin: 0; font-size: 16px; font-weight: 650; }
h2 + p { margin: 0 0 14px; color: var(--soft); max-width: 70ch; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 16px; }
.alarm { background: var(--bad-wash); border: 1px solid var(--bad); border-radius: 10px; padding: 16px 20px; margin-top: 28px; }
.alarm h2 { color: var(--bad); }
ul.plain { list-style: none; margin: 12px 0 0; padding: 0; display: grid; gap: 10px; }
ul.plain li { display: grid; grid-template-columns: 22px 1fr; gap: 10px; max-width: 84ch; }
.alarm ul.plain li { overflow-wrap: anywhere; }
.mark {
  display: inline-grid; place-items: center; width: 20px; height: 20px; margin-top: 2px; border-radius: 50%;
  background: var(--tone-wash); color: var(--tone); font-size: 12px; font-weight: 800; flex: none;
}
.badge {
  display: inline-block; padding: 1px 9px; border-radius: 99px; background: var(--tone-wash); color: var(--tone);
  font-size: 12.5px; font-weight: 650; white-space: nowrap;
}
.neutral { --tone: var(--soft); --tone-wash: var(--wash); }
.clock { font-variant-numeric: tabular-nums; font-weight: 650; color: var(--accent); white-space: nowrap; }
.soft { color: var(--soft); }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.timeline { display: grid; grid-template-columns: max-content minmax(0, max-content) minmax(120px, 1fr) max-content; gap: 9px 14px; align-items: center; }
.timeline .row { display: contents; }
.timeline .lane { display: block; width: 100%; height: 16px; background: var(--wash); border-radius: 4px; }
.timeline .lane rect { fill: var(--tone); }
.bars { display: grid; grid-template-columns: minmax(0, max-content) minmax(60px, 1fr) max-content; gap: 7px 12px; align-items: center; margin-top: 12px; }
.bars svg { display: block; width: 100%; height: 10px; background: var(--wash); border-radius: 3px; }
.bars rect { fill: var(--accent); }
.phase, .flush { padding: 0; }
.phase { overflow: hidden; margin-top: 14px; }
.phase > header { border: 0; border-bottom: 1px solid var(--line); background: none; padding: 13px 20px; display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: baseline; }
.phase > header h3 { flex: 1 1 240px; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 12.5px; }
th, td { padding: 8px 10px; vertical-align: top; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { border-top: 0; padding-top: 10px; padding-bottom: 6px; }
tr > :first-child { padding-left: 20px; } tr > :last-child { padding-right: 20px; }
tbody th { color: var(--ink); font-weight: 600; font-size: 14px; }
.phase table { min-width: 820px; table-layout: fixed; }
.phase tr.again > td { border-top: 1px dashed var(--line); }
.phase tr.again > td:first-child { padding-left: 10px; }
.phase tr.failed > td { background: var(--bad-wash); }
.why { display: block; color: var(--tone); font-size: 13px; margin-top: 2px; }
.note { display: block; color: var(--soft); font-size: 12.5px; margin-top: 2px; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .88em; }
td code { overflow-wrap: anywhere; }
pre { margin: 10px 0 0; padding: 14px 16px; background: var(--wash); border-radius: 8px; overflow-x: auto; line-height: 1.7; }
pre .soft { user-select: none; }
figure { margin: 0; }
figure > svg { display: block; width: 100%; height: auto; margin-top: 10px; }
figure .box { fill: var(--wash); stroke: var(--line); }
figure .wire { stroke: var(--soft); stroke-width: 1.5; fill: none; }
figure .tip { fill: var(--soft); }
figure text { fill: var(--ink); font-size: 14px; font-weight: 620; }
figure text.count { fill: var(--soft); font-size: 13px; font-weight: 500; }
figure .pod { fill: var(--bad-wash); stroke: var(--bad); } figure .pod.up { fill: var(--good); stroke: var(--good); }
.region-head { display: flex; flex-wrap: wrap; gap: 2px 12px; align-items: baseline; }
.region-head .where { flex-basis: 100%; color: var(--soft); font-size: 13px; }
footer { padding-top: 6px; padding-bottom: 40px; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
@media (max-width: 640px) {
  main, header .inner, footer { padding-left: 16px; padding-right: 16px; }
  h1 { font-size: 30px; } .lead { font-size: 16px; }
  .timeline { display: block; }
  .timeline .row { display: grid; grid-template-columns: 52px 1fr max-content; gap: 3px 8px; margin-bottom: 12px; }
  .timeline .lane { grid-row: 2; grid-column: 1 / -1; height: 10px; }
  .phase table { min-width: 0; display: block; }
  .phase thead { position: absolute; clip-path: inset(50%); }
  .phase tbody, .phase tr, .phase td, .phase th { display: block; }
  .phase tr { padding: 10px 16px; border-top: 1px solid var(--line); position: relative; }
  .phase tr > * { border: 0 !important; padding: 1px 0 !important; text-align: left; background: none !important; }
  .phase tr.failed { background: var(--bad-wash); }
  .phase tr.again > th { display: none; }
  .phase td:empty { display: none; }
  .phase td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
}
@media print {
  :root {
    color-scheme: light;
    --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --wash: #f2f2f2; --accent: #1f5f8b;
    --good: #17704a; --good-wash: #e2f2e9; --bad: #b3261e; --bad-wash: #fbe7e5; --skip: #7a5a00; --skip-wash: #f8efd6;
  }
  body { font-size: 11px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, header .inner, footer { max-width: none; padding-left: 0; padding-right: 0; }
  section { margin: 22px 0; } .card, tr, li { break-inside: avoid; } .phase { break-inside: auto; }
  .phase table { min-width: 0; } .pair { grid-template-columns: 1fr 1fr; } h2, .phase > header { break-after: avoid; } thead { display: table-header-group; }
  table, td, th { font-size: 10px; } .scroll { overflow: visible; }
}
`;
