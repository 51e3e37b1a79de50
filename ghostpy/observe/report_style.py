"""The style sheet of the report's page. Colours are named once for light, once for dark; nothing is fetched."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #ffffff; --ink: #1d2126; --dim: #626b76; --rule: #dfe2e6; --grid: #e9ebee;
  --one: #1f66c1; --two: #b3540e; --rest: #e0a40040; --rest-edge: #a87b00; --attempt: #b02a37;
  --good: #1a7341; --bad: #b02a37; --plain: #56606c; --added: #dff3e4; --removed: #fbe3e4;
  --preparing: #9aa3ad; --copying: #3f7fd0; --indexes: #2f9c95; --verifying: #56a354; --postponed: #d9a520;
  --cutting: #c64553; --cleaning: #8d7fb8; --done: #56606c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --card: #1c2025; --ink: #e4e7ea; --dim: #9aa4af; --rule: #343b43; --grid: #2a3037;
    --one: #6fa8f5; --two: #f0a15e; --rest: #e0a40038; --rest-edge: #d9a93a; --attempt: #f07f8a;
    --good: #5cc98a; --bad: #f07f8a; --plain: #9aa4af; --added: #17382a; --removed: #45222a;
    --preparing: #6b7580; --copying: #4f8fe0; --indexes: #3fb0a8; --verifying: #62b060; --postponed: #d9a93a;
    --cutting: #e0616e; --cleaning: #9c8ecb; --done: #9aa4af;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
main { max-width: 68rem; margin: 0 auto; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .7rem; }
p { margin: .3rem 0; }
.dim, figcaption { color: var(--dim); }
.result { display: inline-block; margin: 0 0 .5rem; padding: .05rem .7rem; border: 1.5px solid; border-radius: 1rem; font-weight: 600; }
.result.changed, .result.updated, .result.dry-run, .result.nothing-to-do, .result.tried-out { color: var(--good); }
.result.failed { color: var(--bad); }
.result.interrupted { color: var(--plain); }
.error { border-left: 4px solid var(--bad); background: var(--card); padding: .7rem 1rem; margin: 1rem 0 0; white-space: pre-wrap; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .7rem; margin: 1.2rem 0 0; }
.figures div { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: .6rem .8rem; }
.figures dt { color: var(--dim); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
.figures dd small { display: block; font-size: .8rem; color: var(--dim); }
figure { margin: 0 0 .9rem; }
figcaption { font-size: .85rem; }
.frame { display: flex; }
.y { flex: 0 0 4.2rem; display: flex; flex-direction: column; justify-content: space-between; text-align: right; padding-right: .5rem; }
.y, .x { white-space: nowrap; font-size: .75rem; line-height: 1; color: var(--dim); font-variant-numeric: tabular-nums; }
.x { display: flex; justify-content: space-between; padding-left: 4.2rem; }
svg.curve { flex: 1; min-width: 0; height: 6.5rem; overflow: visible; }
.timed { padding-left: 4.2rem; margin-bottom: .8rem; }
svg.strip { display: block; width: 100%; height: 1.1rem; }
.grid { stroke: var(--grid); stroke-width: 1; vector-effect: non-scaling-stroke; }
.line { fill: none; stroke-width: 1.75; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.area { stroke: none; fill-opacity: .13; }
.line.series-1 { stroke: var(--one); } .line.series-2 { stroke: var(--two); stroke-dasharray: 5 3; }
.area.series-1 { fill: var(--one); } .area.series-2 { fill: var(--two); }
.rest { fill: var(--rest); }
.attempt { stroke: var(--attempt); stroke-width: 1.5; stroke-dasharray: 2 3; vector-effect: non-scaling-stroke; }
.key { margin-left: 1rem; white-space: nowrap; }
.key::before { content: ""; display: inline-block; width: 1.1rem; height: 0; margin-right: .35rem; vertical-align: .25em; border-top: 2px solid; }
.key.series-1::before { border-color: var(--one); } .key.series-2::before { border-color: var(--two); border-top-style: dashed; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; font-size: .85rem; margin: .35rem 0 0; padding: 0; list-style: none; }
.legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; vertical-align: -.05em; border-radius: 2px; }
.legend i.rest { background: var(--rest); border: 1px solid var(--rest-edge); }
.legend i.attempt { height: 0; border-top: 2px dotted var(--attempt); vertical-align: .25em; border-radius: 0; }
.phase-preparing { fill: var(--preparing); background: var(--preparing); }
.phase-copying { fill: var(--copying); background: var(--copying); }
.phase-building-indexes { fill: var(--indexes); background: var(--indexes); }
.phase-verifying { fill: var(--verifying); background: var(--verifying); }
.phase-postponing-cut-over { fill: var(--postponed); background: var(--postponed); }
.phase-cutting-over { fill: var(--cutting); background: var(--cutting); }
.phase-cleaning-up { fill: var(--cleaning); background: var(--cleaning); }
.phase-done { fill: var(--done); background: var(--done); }
pre { margin: 0; padding: .8rem 1rem; background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; overflow-x: auto; overflow-wrap: normal; }
pre, code { font: .85rem/1.5 ui-monospace, monospace; }
pre.sql { white-space: pre-wrap; overflow-wrap: anywhere; }
pre span { display: block; min-width: max-content; padding: 0 .3rem; }
pre .added { background: var(--added); } pre .removed { background: var(--removed); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td, th { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-top: 1px solid var(--rule); }
th { font-weight: 500; color: var(--dim); width: 14rem; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; width: 1%; }
tr.warning td { font-weight: 600; }
summary { cursor: pointer; }
ol { margin: 0 0 .8rem; padding-left: 1.4rem; }
.wide { overflow-x: auto; } .wide td, .wide th { width: auto; min-width: 4.5rem; overflow-wrap: break-word; }
.wide td code { white-space: nowrap; }
.severity { white-space: nowrap; font-weight: 600; } .severity.warn { color: var(--two); } .severity.refuse { color: var(--bad); }
details > table, pre + table { margin-top: .6rem; }
.foot { margin-top: 2.5rem; font-size: .85rem; }
@media (max-width: 34rem) {
  .y { flex-basis: 3.6rem; } .x, .timed { padding-left: 3.6rem; }
  th { width: 8rem; }
  .figures { grid-template-columns: 1fr 1fr; }
}
"""
