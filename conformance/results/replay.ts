/**
 * Sends the printed `curl` line of every failed check of a report again, musts and others, and compares the answer with
 * the evidence in the report: its status, and the value or the absence that the check objected to. The server has to be
 * running; `OPENAI_API_KEY` holds its key. Exits 1 where an answer differs.
 */

import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { compareEvidence } from "../src/evidence.ts";
import { parseCurlOutput } from "../src/parse-curl.ts";
import { type JsonReport, jsonReportSchema } from "../src/report.ts";

const LINE_TIMEOUT_MS = 300_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
/** curl's exit codes for a body that broke off: partial file, nothing or an error received. */
const CUT_CODES = [18, 52, 56];

type ReportedCheck = JsonReport["checks"][number];

/**
 * - shown: the answer has the status and what was objected to.
 * - other: it hasn't.
 * - several: the check compares answers, or measures time; one request shows nothing.
 * - unsendable: the line is cut, or what matters is sent after an upgrade.
 */
type Verdict = "shown" | "other" | "several" | "unsendable";

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("Name a report, such as conformance/results/stubllm/report.json.\n");
  process.exitCode = 2;
} else process.exitCode = await replayAll(file);

async function replayAll(path: string): Promise<number> {
  const { checks } = jsonReportSchema.parse(JSON.parse(await readFile(path, "utf8")));
  const failed = checks.filter(({ outcome }) => outcome === "fail" || outcome === "warn");
  const counts: Record<Verdict, number> = { shown: 0, other: 0, several: 0, unsendable: 0 };
  for (const check of failed) {
    const { verdict, why } = replay(check);
    counts[verdict] += 1;
    if (verdict !== "shown") process.stdout.write(`${verdict} ${check.id}: ${why}\n`);
  }
  const { shown, other, several, unsendable } = counts;
  process.stdout.write(
    `${failed.length} failures: ${shown} are shown again by their line, ${other} are not, ${several} need several requests, ${unsendable} can't be sent by curl\n`,
  );
  return other === 0 ? 0 : 1;
}

function replay({ got, curl, evidence }: ReportedCheck): { readonly verdict: Verdict; readonly why: string } {
  if (curl === null || evidence === null) return { verdict: "unsendable", why: "no line, or no evidence" };
  if (curl.includes("# body cut") || curl.includes("# then send")) {
    return { verdict: "unsendable", why: /# (?:body cut|then send)/.exec(curl)?.[0] ?? "" };
  }
  if (!evidence.shows_failure) return { verdict: "several", why: (got ?? "").slice(0, 160) };
  // A report's line is what a person would paste into a shell.
  const { stdout, status } = spawnSync("bash", ["-c", curl.replace("curl -i", "curl -s -i")], {
    timeout: LINE_TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  const why = compareEvidence(evidence, parseCurlOutput(stdout, CUT_CODES.includes(status ?? 0)));
  return why === null ? { verdict: "shown", why: "" } : { verdict: "other", why };
}
