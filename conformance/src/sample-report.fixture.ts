/** A report with one check per outcome, for the tests of reporters. */

import { EXIT_CODES } from "./exit-code.ts";
import { OUTCOMES } from "./outcome.ts";
import type { Trace } from "./trace.ts";
import { countOutcomes, type ReportedCheck, type RunReport } from "./report.ts";

const SAMPLE_TRACE: Trace = {
  exchanges: [
    {
      is_evidence: true,
      request: {
        method: "GET",
        url: "http://127.0.0.1/v1/models",
        headers: { authorization: "Bearer $OPENAI_API_KEY" },
        body: null,
      },
      response: {
        status: 500,
        headers: { "content-type": "application/json" },
        headers_at_ms: 1.2,
        parts: [
          { at_ms: 1.5, text: '{"error":' },
          { at_ms: 20.1, text: "null}" },
        ],
        end: "clean",
        end_at_ms: 20.3,
      },
      error: null,
      messages: [],
      notes: [],
    },
  ],
  left_out: 2,
};

const checks: readonly ReportedCheck[] = OUTCOMES.map((outcome) => ({
  id: `chat.sample.${outcome}`,
  area: "chat",
  level: outcome === "warn" ? "should" : "must",
  tier: "protocol",
  requirement: "It holds.",
  reference: "RFC 9110",
  breaks: "Everyone.",
  outcome,
  reason: outcome === "pass" ? "" : "because <it> broke",
  observer: outcome === "fail" || outcome === "warn" ? "wire" : null,
  expected: outcome === "fail" ? "status 200" : null,
  actual: outcome === "fail" ? "status 500 \u001b[2J" : null,
  durationMs: 12.34,
  owners: outcome === "inconclusive" ? ["chat.sample.pass"] : [],
  isOrphan: outcome === "inconclusive",
  isScored: true,
  expectation: null,
  tries: outcome === "fail" ? { failed: 2, of: 3 } : null,
  curl: outcome === "fail" ? "curl -i http://127.0.0.1/v1/models" : null,
  snippet: outcome === "fail" ? "await client.models.list();" : null,
  trace: outcome === "fail" ? SAMPLE_TRACE : null,
  evidence:
    outcome === "fail"
      ? { status: 500, media_type: null, values: {}, shape: ["an empty body"], shows_failure: true }
      : null,
}));

export const sampleReport: RunReport = {
  ending: "complete",
  verdict: "non-conformant",
  baselineStanding: null,
  gate: true,
  baseline: null,
  exitCode: EXIT_CODES["non-conformant"],
  explanation: "1 must check failed.",
  suite: { version: "1.2.3", profile: "full", sdkVersion: "7.0.0", specSha256: null },
  target: { baseUrl: "http://127.0.0.1:1/v1", models: { chat: "m" } },
  counts: countOutcomes(checks),
  areas: [
    { area: "chat", verdict: "non-conformant", baselineStanding: null, counts: countOutcomes(checks), expected: 0 },
  ],
  checks,
  startedAt: "2026-11-30T12:00:00.000Z",
  durationMs: 1234,
};
