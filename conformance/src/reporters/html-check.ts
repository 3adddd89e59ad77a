/** One check of the HTML report: what it requires, what came instead, and how to see it again. */

import type { ReportedCheck } from "../report.ts";
import type { Trace, TracedExchange } from "../trace.ts";
import { type Html, markup, NOTHING } from "./html-template.ts";
import { describeExpected, describeFlakiness, isExpected, makePrintable } from "./report-texts.ts";

/** Characters of a command: recordings are sent as text as well. */
const COMMAND_LENGTH_MAX = 20_000;

/** @param hasTrace whether there is room for its trace */
export function renderCheck(check: ReportedCheck, hasTrace: boolean): Html {
  const { id, area, level, outcome, requirement, curl, snippet } = check;
  const [tag, kind] = isExpected(check) ? ["expected", `expected ${outcome}`] : [outcome, outcome];
  return markup`<details id="${id}" data-outcome="${outcome}" data-area="${area}" data-level="${level}">
<summary><span class="tag ${tag}">${kind}</span> <span class="id">${id}</span> <span class="level">${level}</span> <span class="requirement">${requirement}</span></summary>
<dl>${listFacts(check).map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${curl === null ? NOTHING : renderCommand("Reproduce with curl", curl)}${snippet === null ? NOTHING : renderCommand("Reproduce with the official SDK", snippet)}${renderTrace(check.trace, hasTrace)}</details>
`;
}

function listFacts(check: ReportedCheck): readonly (readonly [string, Html])[] {
  const { outcome, expected, actual, reason, observer, owners } = check;
  const flakiness = describeFlakiness(check);
  const baseline = describeExpected(check);
  const isFailure = outcome === "fail" || outcome === "warn";
  const value = (text: string): Html => markup`<code>${makePrintable(text)}</code>`;
  const facts: readonly (readonly [string, Html | null])[] = [
    ["requirement", markup`${check.requirement}`],
    ["expected", isFailure ? value(expected ?? "-") : null],
    ["got", isFailure ? value(actual ?? reason) : null],
    ["reason", isFailure || reason === "" ? null : value(reason)],
    ["baseline", baseline === null ? null : value(baseline)],
    ["flaky", flakiness === null ? null : markup`${flakiness}`],
    [
      "level",
      markup`${check.level}, tier ${check.tier}${observer === null ? "" : `, seen by the observer "${observer}"`}`,
    ],
    ["reference", linkReferences(check.reference)],
    ["who breaks", markup`${check.breaks}`],
    ["judged by", owners.length === 0 ? null : markup`${owners.map((id) => markup`<a href="#${id}">${id}</a> `)}`],
    ["took", check.durationMs === 0 ? null : markup`${Math.round(check.durationMs)} ms`],
  ];
  return facts.flatMap(([name, shown]) => (shown === null ? [] : [[name, shown] as const]));
}

/** Issues and RFCs that a reference names; other sources have no address that lasts. */
function linkReferences(text: string): Html {
  const parts = text.split(/(\b[\w.-]+\/[\w.-]+#\d+|\bRFC \d{3,5})/);
  return markup`${parts.map((part) => {
    const url = findUrl(part);
    return url === null ? markup`${part}` : markup`<a href="${url}" rel="noopener noreferrer">${part}</a>`;
  })}`;
}

function findUrl(reference: string): string | null {
  const [, repository, issue] = /^([\w.-]+\/[\w.-]+)#(\d+)$/.exec(reference) ?? [];
  if (repository !== undefined) return `https://github.com/${repository}/issues/${issue}`;
  const [, rfc] = /^RFC (\d+)$/.exec(reference) ?? [];
  return rfc === undefined ? null : `https://www.rfc-editor.org/rfc/rfc${rfc}`;
}

function renderCommand(title: string, text: string): Html {
  const isCut = text.length > COMMAND_LENGTH_MAX;
  const shown = isCut ? `${text.slice(0, COMMAND_LENGTH_MAX)}… # cut: the JSON report has all of it` : text;
  return markup`<h4>${title} <button type="button" class="copy" hidden>Copy</button></h4>
<pre tabindex="0">${keepLines(shown)}</pre>
`;
}

function renderTrace(trace: Trace | null, hasTrace: boolean): Html {
  if (trace === null) return NOTHING;
  if (!hasTrace) return markup`<p class="note">The trace is left out: the report has many. The JSON report has it.</p>`;
  const more =
    trace.left_out === 0
      ? NOTHING
      : markup`<p class="note">${trace.left_out} more requests of this check are not shown.</p>`;
  return markup`<h4>Trace</h4>
${trace.exchanges.map(renderExchange)}${more}`;
}

function renderExchange({ is_evidence, request, response, error, messages, notes }: TracedExchange): Html {
  const sent = [`${request.method} ${request.url}`, ...listHeaders(request.headers), "", request.body ?? ""];
  const mark = is_evidence ? markup`<p class="note">This exchange shows it:</p>` : NOTHING;
  return markup`${mark}<pre tabindex="0"><span class="at">0 ms →</span> ${keepLines(sent.join("\n").trimEnd())}
${response === null ? markup`<span class="at">no response:</span> ${makePrintable(error ?? "")}` : renderResponse(response)}${messages.map(renderMessage)}</pre>
${notes.map((note) => markup`<p class="note">${makePrintable(note)}</p>`)}`;
}

const ENDINGS = {
  clean: "the body ended",
  cut: "the connection broke",
  aborted: "the suite closed the connection",
  open: "still running when it was judged",
} as const;

function renderResponse({
  status,
  headers,
  headers_at_ms,
  parts,
  end,
  end_at_ms,
}: NonNullable<TracedExchange["response"]>): Html {
  return markup`
<span class="at">${headers_at_ms} ms ←</span> status ${status}
${keepLines(listHeaders(headers).join("\n"))}
${parts.map(({ at_ms, text }) => markup`<span class="at">${at_ms} ms ←</span> ${keepLines(text)}\n`)}<span class="at">${end_at_ms} ms</span> ${ENDINGS[end]}
`;
}

function renderMessage({ from, at_ms, type, text }: TracedExchange["messages"][number]): Html {
  return markup`<span class="at">${at_ms} ms ${from === "client" ? "→" : "←"} ${type}</span> ${keepLines(text)}\n`;
}

function listHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => makePrintable(`${name}: ${value}`));
}

/** Printable text whose lines stay lines. */
function keepLines(text: string): string {
  return text.split("\n").map(makePrintable).join("\n");
}
