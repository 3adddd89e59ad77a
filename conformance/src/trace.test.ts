import { expect, test } from "vitest";
import type { Exchange } from "./exchange.ts";
import { accountFor, type CheckResult } from "./outcome.ts";
import { createRedactor } from "./redact.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { encodeTrace } from "./trace.ts";

const KEY = "sk-planted-4711-0815-canary";
const redact = createRedactor([KEY]);
const encoder = new TextEncoder();

function exchangeOf(texts: readonly (string | Uint8Array)[], overrides: Partial<Exchange["request"]> = {}): Exchange {
  return {
    request: {
      method: "POST",
      url: "http://h/v1/chat/completions",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", "user-agent": "x" },
      body: "{}",
      ...overrides,
    },
    response: {
      status: 200,
      headers: { "content-type": "text/event-stream", "set-cookie": "session=abcdefghijk" },
      headersAtMs: 1,
      chunks: texts.map((text, index) => ({
        atMs: index + 2,
        bytes: typeof text === "string" ? encoder.encode(text) : text,
      })),
      end: "clean",
      endAtMs: 99,
      truncated: false,
    },
    transportError: null,
  };
}

function trace(exchanges: readonly Exchange[], evidence = exchanges[0] ?? null) {
  const check = sampleCheck({ id: "http.x", run: () => Promise.resolve() });
  const result: CheckResult = { ...accountFor(check, "fail", "r"), exchanges, evidence };
  return encodeTrace(result, redact, { full: KEY });
}

test("parts keep their times, the key is its variable, and a cookie is redacted", () => {
  const shown = trace([exchangeOf(["data: a\n\n", "data: b\n\n"])]);
  expect(shown?.exchanges[0]).toMatchObject({
    is_evidence: true,
    request: { headers: { authorization: "Bearer $OPENAI_API_KEY" } },
    response: {
      headers: { "set-cookie": "[redacted]" },
      parts: [
        { at_ms: 2, text: "data: a\n\n" },
        { at_ms: 3, text: "data: b\n\n" },
      ],
    },
    notes: [],
  });
});

test("a secret that arrives in pieces is redacted", () => {
  for (let at = 1; at < KEY.length; at += 1) {
    const shown = trace([exchangeOf([`x ${KEY.slice(0, at)}`, `${KEY.slice(at)} y`])]);
    expect(shown?.exchanges[0]?.response?.parts).toEqual([{ at_ms: 2, text: "x [redacted] y" }]);
    expect(shown?.exchanges[0]?.notes[0]).toContain("shown as one");
  }
});

test("characters that are split between parts stay whole, and what is no text is counted", () => {
  const bytes = encoder.encode("é");
  const split = trace([exchangeOf([bytes.subarray(0, 1), bytes.subarray(1)])]);
  expect(split?.exchanges[0]?.response?.parts.map(({ text }) => text).join("")).toBe("é");
  const binary = trace([exchangeOf([new Uint8Array([255, 0, 1])], { body: new Uint8Array(7) })]);
  expect(binary?.exchanges[0]).toMatchObject({
    request: { body: "(7 bytes that are no text)" },
    response: { parts: [{ text: "(3 bytes of text/event-stream)" }] },
  });
});

test("a trace is bounded, and says what it leaves out", () => {
  const long = exchangeOf(Array.from({ length: 5000 }, () => "data: 12345678901234567890\n\n"));
  const shown = trace([long, ...Array.from({ length: 20 }, () => exchangeOf(["x".repeat(100_000)]))]);
  expect(shown?.exchanges).toHaveLength(2);
  expect(shown?.left_out).toBe(19);
  expect(JSON.stringify(shown).length).toBeLessThan(12_000);
  expect(shown?.exchanges[0]?.notes).toEqual(["cut: the body has 140000 bytes"]);
});
