/** Streams of upstreams and what is sent for them, as in docs/relayed-answers.md. */

import type { UpstreamRequest } from "@openai-compat/core";
import {
  BASE,
  OURS,
  USAGE,
  say,
  ours,
  ROLE,
  HI,
  STOP,
  REPORT,
  GOOD,
  endWith,
  withText,
  withIndex,
  withoutIndex,
  withoutReason,
  call,
} from "./answer-samples.ts";
import type { Json } from "./answer-samples.ts";

interface StreamRow {
  readonly chunks: readonly Json[];
  readonly sent: readonly Json[];
  readonly request?: Partial<UpstreamRequest>;
}

/** By what the upstream does otherwise. */
export const STREAM_ROWS: Readonly<Record<string, StreamRow>> = {
  "nothing to repair": { chunks: GOOD, sent: GOOD.map(ours) },
  "ids that change": {
    chunks: [ROLE, { ...HI, id: "d" }, { ...STOP, id: "" }],
    sent: GOOD.map(ours),
  },
  "another object": { chunks: GOOD.map((chunk) => ({ ...chunk, object: "" })), sent: GOOD.map(ours) },
  "created in milliseconds, then another": {
    chunks: [
      { ...ROLE, created: 1_700_000_000_123 },
      { ...HI, created: "1700000009" },
      { ...STOP, created: null },
    ],
    sent: GOOD.map((chunk) => ({ ...ours(chunk), created: 1_700_000_000 })),
  },
  "no role": { chunks: [HI, STOP], sent: [say({ role: "assistant", content: "Hi" }), STOP].map(ours) },
  "a role in each chunk": {
    chunks: [ROLE, say({ role: "assistant", content: "Hi" }), STOP],
    sent: GOOD.map(ours),
  },
  "an empty role": { chunks: [say({ role: "", content: "" }), HI, STOP], sent: GOOD.map(ours) },
  "no index": {
    chunks: GOOD.map((chunk) => withoutIndex(chunk)),
    sent: GOOD.map(ours),
  },
  "tokens counted in the place of the index": {
    chunks: GOOD.map((chunk, count) => withIndex(chunk, 197 + count)),
    sent: GOOD.map(ours),
  },
  "answers that nobody asked for": {
    chunks: [ROLE, withIndex(ROLE, 1), HI, withIndex(HI, 1), STOP, withIndex(STOP, 1)],
    sent: GOOD.map(ours),
  },
  "content in parts": {
    chunks: [
      ROLE,
      say({
        content: [
          { type: "thinking", thinking: "hm" },
          { type: "text", text: "Hi" },
        ],
      }),
      STOP,
    ],
    sent: GOOD.map(ours),
  },
  "no finish reason in the middle": {
    chunks: [withoutReason(ROLE), withoutReason(HI), STOP],
    sent: GOOD.map(ours),
  },
  "an empty finish reason": {
    chunks: [say({ role: "assistant", content: "" }, ""), say({ content: "Hi" }, ""), STOP],
    sent: GOOD.map(ours),
  },
  "a finish reason of another API": { chunks: [ROLE, HI, say({}, "end_turn")], sent: GOOD.map(ours) },
  "a limit by another name": {
    chunks: [ROLE, HI, say({}, "MAX_TOKENS")],
    sent: [ROLE, HI, say({}, "length")].map(ours),
  },
  "an unknown finish reason": { chunks: [ROLE, HI, say({}, "eos_token")], sent: GOOD.map(ours) },
  "two finish reasons": { chunks: [...GOOD, STOP], sent: GOOD.map(ours) },
  "text behind the finish reason": { chunks: [ROLE, STOP, HI], sent: GOOD.map(ours) },
  "text behind a finish reason with the role": {
    chunks: [say({ role: "assistant", content: "" }, "stop"), HI],
    sent: [ROLE, HI, endWith("stop")].map(ours),
  },
  "a finish reason in each chunk": {
    chunks: [
      say({ role: "assistant", content: "" }, "stop"),
      ...["Hi", " you", " two"].map((content) => say({ content }, "stop")),
      say({ content: "!" }, "length"),
      say({ content: "" }, "stop"),
    ],
    sent: [ROLE, ...["Hi", " you", " two", "!"].map((content) => say({ content })), endWith("length")].map(ours),
  },
  "a call behind the finish reason": {
    chunks: [ROLE, STOP, say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] })],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "text and the finish reason in one chunk": {
    chunks: [ROLE, say({ content: "Hi" }, "stop")],
    sent: [ROLE, HI, endWith("stop")].map(ours),
  },
  "a chunk without choices behind the finish reason, then text": {
    chunks: [ROLE, STOP, {}, HI],
    sent: GOOD.map(ours),
  },
  "an empty text beside each delta": { chunks: GOOD.map((chunk) => withText(chunk, "")), sent: GOOD.map(ours) },
  "text in the place of content": {
    chunks: [ROLE, withText(say({}), "Hi"), STOP],
    sent: GOOD.map(ours),
  },
  "text beside content": { chunks: [ROLE, withText(HI, "Hi"), STOP], sent: GOOD.map(ours) },
  "text without a delta": {
    chunks: [{ ...BASE, choices: [{ index: 0, text: "Hi" }] }, STOP],
    sent: [say({ role: "assistant", content: "Hi" }), STOP].map(ours),
  },
  "calls that end with stop": {
    chunks: [ROLE, say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }), STOP],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "tool_calls without a call": { chunks: [ROLE, HI, say({}, "tool_calls")], sent: GOOD.map(ours) },
  "calls that repeat what is said once": {
    chunks: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{")] }),
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "}")] }),
      say({}, "tool_calls"),
    ],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{")] }),
      say({ tool_calls: [{ index: 0, function: { arguments: "}" } }] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "parallel calls of one index": {
    chunks: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({ tool_calls: [call({ index: 0, id: "b", type: "function" }, "f", "[]")] }),
      say({}, "tool_calls"),
    ],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({ tool_calls: [call({ index: 1, id: "b", type: "function" }, "f", "[]")] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "calls without index and type, their arguments an object": {
    chunks: [ROLE, say({ tool_calls: [call({ id: "a" }, "f", { x: 1 }), call({ id: "b" }, "g", null)] }), STOP],
    sent: [
      ROLE,
      say({
        tool_calls: [
          call({ index: 0, id: "a", type: "function" }, "f", '{"x":1}'),
          call({ index: 1, id: "b", type: "function" }, "g", ""),
        ],
      }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "two pieces of one call in a chunk": {
    chunks: [
      ROLE,
      say({
        tool_calls: [
          call({ index: 3, id: "a", type: "function" }, "f", "{"),
          { index: 3, function: { arguments: "}" } },
        ],
      }),
      say({}, "tool_calls"),
    ],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "a function call of the old kind": {
    chunks: [ROLE, say({ function_call: { name: "f", arguments: "{}" } }), say({}, "function_call")],
    sent: [ROLE, say({ function_call: { name: "f", arguments: "{}" } }), say({}, "function_call")].map(ours),
  },
  "chunks without choices": {
    chunks: [{ ...BASE, choices: [] }, ROLE, {}, { type: "ping" }, HI, { ...BASE, choices: null }, { ...BASE }, STOP],
    sent: GOOD.map(ours),
  },
  "usage that was not requested": {
    chunks: [{ ...ROLE, usage: null }, { ...HI, usage: USAGE }, { ...STOP, usage: USAGE }, REPORT],
    sent: GOOD.map(ours),
  },
  "usage in a chunk of its own": {
    request: { includeUsage: true },
    chunks: [...GOOD, REPORT],
    sent: [...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })), ours(REPORT)],
  },
  "usage on the last choice's chunk": {
    request: { includeUsage: true },
    chunks: [ROLE, HI, { ...STOP, usage: USAGE }],
    sent: [...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })), ours(REPORT)],
  },
  "usage on each chunk": {
    request: { includeUsage: true },
    chunks: [...GOOD.map((chunk) => ({ ...chunk, usage: USAGE })), REPORT],
    sent: [...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })), ours(REPORT)],
  },
  "no usage": {
    request: { includeUsage: true },
    chunks: GOOD,
    sent: [
      ...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })),
      { ...OURS, choices: [], usage: { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 } },
    ],
  },
  "a wrong total": {
    request: { includeUsage: true },
    chunks: [...GOOD, { ...REPORT, usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 1, more: 1 } }],
    sent: [
      ...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })),
      { ...ours(REPORT), usage: { ...USAGE, more: 1 } },
    ],
  },
  "reasoning in the total alone": {
    request: { includeUsage: true },
    chunks: [...GOOD, { ...REPORT, usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 99 } }],
    sent: [
      ...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })),
      { ...ours(REPORT), usage: { prompt_tokens: 7, completion_tokens: 92, total_tokens: 99 } },
    ],
  },
};
