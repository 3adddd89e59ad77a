/**
 * Writes the report as one HTML file that needs no network: a verdict, the causes of failures, and every check with its
 * evidence, to search and to filter. Without its script the page is complete; a content security policy lets nothing else
 * run or load.
 */

import { createHash } from "node:crypto";
import { OUTCOMES } from "../outcome.ts";
import { type ReportedCheck, renderCounts, type RunReport } from "../report.ts";
import { PAGE_SCRIPT } from "./html-script.ts";
import { renderCheck } from "./html-check.ts";
import { Html, markup, NOTHING } from "./html-template.ts";
import { PAGE_STYLE } from "./html-style.ts";
import {
  describeBaseline,
  groupByCause,
  makePrintable,
  resolveStanding,
  selectFailures,
  VERDICT_MARKS,
  VERDICT_TEXTS,
} from "./report-texts.ts";
import type { Output, Reporter } from "./reporter.ts";

/** Characters of all traces on the page: a report is opened, mailed and attached. The JSON report has all of them. */
const TRACES_LENGTH_MAX = 4_000_000;

export function createHtmlReporter(output: Output): Reporter {
  return {
    handle(event) {
      if (event.type === "run-end") output.write(encodeHtml(event.report));
    },
  };
}

export function encodeHtml(report: RunReport): string {
  const title = `${VERDICT_MARKS[resolveStanding(report)]} ${VERDICT_TEXTS[resolveStanding(report)]}: ${makePrintable(report.target.baseUrl)}`;
  const policy = `default-src 'none'; style-src '${hash(PAGE_STYLE)}'; script-src '${hash(PAGE_SCRIPT)}'; base-uri 'none'; form-action 'none'`;
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body>
${renderHead(report)}
<main>
${renderAreas(report)}
${renderProblems(report)}
${renderCauses(report)}
${renderChecks(report)}
</main>
<script>${new Html(PAGE_SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

function hash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function renderHead(report: RunReport): Html {
  const standing = resolveStanding(report);
  const { explanation, exitCode, gate, ending, suite, target, durationMs, checks, counts, startedAt } = report;
  const models = Object.entries(target.models).map(([role, id]) => `${role} ${makePrintable(id)}`);
  const baseline = describeBaseline(report);
  const rows: readonly (readonly [string, string])[] = [
    ["target", makePrintable(target.baseUrl)],
    ["models", models.length === 0 ? "none" : models.join(", ")],
    ["checks", `${checks.length}: ${renderCounts(counts)}`],
    [
      "run",
      `${startedAt}, ${(durationMs / 1000).toFixed(1)} s, ${ending}, exit code ${exitCode}${gate ? "" : " (--report-only: no gate)"}`,
    ],
    ...(baseline === null ? [] : [["baseline", makePrintable(baseline)] as const]),
    ["suite", `openai-conformance ${suite.version}, openai ${suite.sdkVersion}, profile ${suite.profile}`],
    ["specification", suite.specSha256 === null ? "not installed" : `sha256 ${suite.specSha256}`],
  ];
  return markup`<header class="${standing}">
<h1><span aria-hidden="true">${VERDICT_MARKS[standing]}</span> OpenAI API: ${VERDICT_TEXTS[standing]}</h1>
<p>${makePrintable(explanation)}</p>
<dl>${rows.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`;
}

function renderAreas({ areas }: RunReport): Html {
  const shown = OUTCOMES.filter((outcome) => areas.some(({ counts }) => counts[outcome] > 0));
  const rows = areas.map((report) => {
    const { area, counts } = report;
    const standing = resolveStanding(report);
    return markup`<tr><th scope="row">${area}</th><td class="${standing}">${VERDICT_MARKS[standing]} ${VERDICT_TEXTS[standing]}</td>${shown.map((outcome) => markup`<td class="number">${counts[outcome]}</td>`)}</tr>
`;
  });
  return markup`<section aria-labelledby="areas"><h2 id="areas">Areas</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="areas"><table><thead><tr><th scope="col">area</th><th scope="col">verdict</th>${shown.map((outcome) => markup`<th scope="col" class="number">${outcome}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div></section>`;
}

/** Entries of the baseline that are wrong. */
function renderProblems({ baseline }: RunReport): Html {
  const { file, problems } = baseline ?? { file: null, problems: [] };
  if (problems.length === 0) return NOTHING;
  const items = problems.map(({ id, line, message }) => {
    const place = file === null || line === null ? "" : ` (${file}:${line})`;
    return markup`<li><code>${makePrintable(`${id}${place}`)}</code>: ${makePrintable(message)}</li>
`;
  });
  return markup`<section aria-labelledby="baseline"><h2 id="baseline">Wrong entries of the baseline (${problems.length})</h2>
<ol>${items}</ol></section>`;
}

const CAUSES_MAX = 100;

/** Where to begin: one entry for all checks that show the same. */
function renderCauses({ checks }: RunReport): Html {
  const groups = groupByCause(selectFailures(checks));
  if (groups.length === 0) return NOTHING;
  const items = groups.slice(0, CAUSES_MAX).map(([check, ...others]) => {
    const also = others.length === 0 ? "" : ` and ${others.length} more`;
    return markup`<li><span class="tag ${check.outcome}">${check.outcome}</span> <a href="#${check.id}">${check.id}</a>${also}: ${check.requirement}</li>
`;
  });
  const more =
    groups.length > CAUSES_MAX
      ? markup`<p>${groups.length - CAUSES_MAX} more causes are among the checks.</p>`
      : NOTHING;
  return markup`<section aria-labelledby="causes"><h2 id="causes">Causes of failures (${groups.length})</h2>
<ol>${items}</ol>${more}</section>`;
}

function renderChecks(report: RunReport): Html {
  const { checks, areas } = report;
  const outcomes = OUTCOMES.filter((outcome) => checks.some((check) => check.outcome === outcome));
  const withTrace = chooseTraced(checks);
  const failures = new Set(selectFailures(checks));
  const ordered = [...failures, ...checks.filter((check) => !failures.has(check))];
  return markup`<section aria-labelledby="checks"><h2 id="checks">Checks</h2>
<form id="filter" role="search" hidden>
<label>Search <input type="search" name="text" autocomplete="off" spellcheck="false"></label>
<label>Area <select name="area"><option value="">all</option>${areas.map(({ area }) => markup`<option>${area}</option>`)}</select></label>
<label>Level <select name="level"><option value="">all</option><option>must</option><option>should</option><option>may</option></select></label>
<fieldset><legend>Outcome</legend>${outcomes.map((outcome) => markup`<label><input type="checkbox" name="outcome" value="${outcome}" checked> ${outcome}</label> `)}</fieldset>
<button type="button" id="expand">Open all shown</button>
<output id="count" aria-live="polite"></output>
</form>
<div id="list">
${ordered.map((check) => renderCheck(check, withTrace.has(check)))}</div></section>`;
}

/** Failures first, as many as there is room for. */
function chooseTraced(checks: readonly ReportedCheck[]): ReadonlySet<ReportedCheck> {
  const failures = selectFailures(checks);
  const chosen = new Set<ReportedCheck>();
  let room = TRACES_LENGTH_MAX;
  for (const check of [...failures, ...checks.filter((other) => !failures.includes(other))]) {
    if (check.trace === null) continue;
    room -= JSON.stringify(check.trace).length;
    if (room < 0) break;
    chosen.add(check);
  }
  return chosen;
}
