/** The page's style. Colours are checked for a contrast of at least 4.5 to 1 in both schemes; severity is
 *  always a word as well as a colour. On a narrow screen a table row becomes a block of labelled lines. */
export const STYLE = `
:root { color-scheme: light dark; --page: #ffffff; --text: #1c1f24; --soft: #525a66; --line: #d4d8de; --panel: #f4f6f8;
  --error: #b3161b; --warning: #8a4b00; --info: #1d5fa8; --good: #1d6b34; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --text: #e6e8eb; --soft: #a8b0bb; --line: #3a414b;
  --panel: #1d2228; --error: #ff8f8a; --warning: #f0b35a; --info: #85bdf5; --good: #7fd196; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1rem; }
.verdict { font-size: 1.1rem; font-weight: 600; }
.totals { display: flex; flex-wrap: wrap; gap: .75rem; padding: 0; list-style: none; }
.totals li { flex: 1 1 8rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--panel); }
.totals strong { display: block; font-size: 1.75rem; line-height: 1.1; }
.error { color: var(--error); } .warning { color: var(--warning); } .info { color: var(--info); }
td .error, td .warning, td .info { font-weight: 600; }
.reviewed { color: var(--good); } .failed { color: var(--error); font-weight: 600; } .not-applicable { color: var(--soft); }
.timeline { overflow-x: auto; } .timeline svg, .timeline img { max-width: 100%; height: auto; }
.timeline:focus-visible, summary:focus-visible { outline: 2px solid var(--info); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.code { font-family: ui-monospace, monospace; }
td ul { margin: 0; padding-left: 1.1rem; }
details { margin: .75rem 0; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem; }
summary { cursor: pointer; } summary h3 { display: inline; font-family: ui-monospace, monospace; } summary span { color: var(--soft); }
@media (max-width: 48rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, td, th[scope=row] { display: block; width: 100%; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td, th[scope=row] { border: 0; padding: .1rem 0; }
  td.number { text-align: left; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); font-family: system-ui, sans-serif; font-weight: 400; }
}
@media print { details { break-inside: avoid; } }
`;
