/** The style of the HTML report: system fonts, both colour schemes, contrasts of 4.5 at least, nothing to load. */

export const PAGE_STYLE = `
:root { --bg: #fff; --fg: #1f2328; --dim: #57606a; --line: #d0d7de; --soft: #f6f8fa; --link: #0550ae;
  --red: #b31d28; --green: #116329; --yellow: #7d4e00; --grey: #57606a; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #0d1117; --fg: #e6edf3; --dim: #9ea7b3; --line: #3d444d; --soft: #161b22; --link: #79b8ff;
    --red: #ff8f88; --green: #5fd178; --yellow: #e3b341; --grey: #9ea7b3; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--bg); color: var(--fg);
  font: 16px/1.5 system-ui, sans-serif; }
header { border: 1px solid var(--line); border-left: .5rem solid var(--grey); border-radius: .4rem; padding: .5rem 1rem; }
header.conformant, header.as-expected { border-left-color: var(--green); }
header.non-conformant, header.harness-error, header.baseline-stale { border-left-color: var(--red); }
header.unproved { border-left-color: var(--yellow); }
h1 { font-size: 1.6rem; margin: .3rem 0; }
h2 { font-size: 1.25rem; margin: 1.6rem 0 .5rem; }
h4 { font-size: .95rem; margin: .9rem 0 .3rem; }
a { color: var(--link); }
code, pre, .id { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .875rem; }
code, pre, dd { overflow-wrap: anywhere; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .3rem; padding: .6rem; margin: .3rem 0;
  white-space: pre-wrap; max-height: 30rem; overflow: auto; }
dl { margin: .4rem 0; }
dl > div { display: grid; grid-template-columns: 7.5rem 1fr; gap: .5rem; padding: .1rem 0; }
dt { color: var(--dim); }
dd { margin: 0; min-width: 0; }
table { border-collapse: collapse; }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid var(--line); font-weight: normal; white-space: nowrap; }
thead th { color: var(--dim); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
td.conformant, td.as-expected { color: var(--green); }
td.non-conformant, td.harness-error { color: var(--red); }
td.unproved { color: var(--yellow); }
.tag { display: inline-block; min-width: 6.6rem; text-align: center; border: 1px solid currentcolor; border-radius: .3rem;
  font-size: .8rem; line-height: 1.4; color: var(--grey); }
.tag.pass { color: var(--green); }
.tag.fail, .tag.harness-error { color: var(--red); font-weight: bold; }
.tag.warn, .tag.inconclusive { color: var(--yellow); }
.level, .note, .at { color: var(--dim); }
.at { font-weight: bold; }
.note { margin: .3rem 0; font-size: .9rem; }
ol { padding-left: 2.2rem; }
li { margin: .2rem 0; overflow-wrap: anywhere; }
form { position: sticky; top: 0; background: var(--bg); border-bottom: 1px solid var(--line); padding: .5rem 0;
  display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; z-index: 1; }
form[hidden] { display: none; }
fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem .8rem; }
legend { float: left; margin-right: .8rem; color: var(--dim); }
input, select, button { font: inherit; color: inherit; background: var(--soft); border: 1px solid var(--grey); border-radius: .3rem; padding: .1rem .5rem; }
.copy { font-size: .8rem; }
details { border-bottom: 1px solid var(--line); padding: .25rem 0; content-visibility: auto; contain-intrinsic-size: auto 2.2rem; }
details[hidden] { display: none; }
details > :not(summary), details > .note { margin-left: 1.2rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 1px; }
@media (max-width: 40rem) { dl > div { grid-template-columns: 1fr; gap: 0; } }
@media print { form { display: none; } details { content-visibility: visible; } pre { max-height: none; } }
`;
