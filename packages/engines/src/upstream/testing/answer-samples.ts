/** Good pieces of upstreams' answers, and what an answer of theirs becomes. */

import type { UpstreamRequest } from "@openai-compat/core";
import { collectAnswer, OUR_MODEL, UPSTREAM_MODEL } from "./upstream-calls.ts";
import { streamBytes } from "./stream-bytes.ts";

export type Json = Readonly<Record<string, unknown>>;

export const BASE = { id: "c", object: "chat.completion.chunk", created: 7, model: UPSTREAM_MODEL };
export const OURS = { ...BASE, model: OUR_MODEL };
export const WHOLE = { ...BASE, object: "chat.completion" };
export const USAGE = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
export const SSE = { "content-type": "text/event-stream" };
export const JSON_TYPE = { "content-type": "application/json" };

export const say = (delta: Json, reason: string | null = null): Json => ({
  ...BASE,
  choices: [{ index: 0, delta, finish_reason: reason }],
});
export const ours = (chunk: Json): Json => ({ ...chunk, model: OUR_MODEL });
export const ROLE = say({ role: "assistant", content: "" });
export const HI = say({ content: "Hi" });
export const STOP = say({}, "stop");
export const REPORT: Json = { ...BASE, choices: [], usage: USAGE };
export const GOOD = [ROLE, HI, STOP];

const frame = (data: unknown) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
export const stream = (...chunks: readonly unknown[]) => chunks.map(frame).join("");
export const done = (...chunks: readonly unknown[]) => stream(...chunks, "[DONE]");

export const both = [false, true] as const;

export async function whole(
  answer: unknown,
  request: Partial<UpstreamRequest> = {},
  headers: Record<string, string> = JSON_TYPE,
) {
  const body = typeof answer === "string" ? answer : JSON.stringify(answer);
  const { text } = await collectAnswer(streamBytes({ body, headers }, { request }));
  const value: unknown = JSON.parse(text);
  return value;
}

/** What ends a choice whose last chunk says more than that. */
export function endWith(reason: string): Json {
  return { ...BASE, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: reason }] };
}

export function withText(chunk: Json, text: string): Json {
  return { ...chunk, choices: listChoices(chunk).map((choice) => ({ ...choice, text })) };
}

export function withIndex(chunk: Json, index: number): Json {
  const [choice] = listChoices(chunk);
  return { ...chunk, choices: [{ ...choice, index }] };
}

export function withoutIndex(chunk: Json): Json {
  return { ...chunk, choices: listChoices(chunk).map(({ index: _index, ...choice }) => choice) };
}

export function withoutReason(chunk: Json): Json {
  return { ...chunk, choices: listChoices(chunk).map(({ finish_reason: _reason, ...choice }) => choice) };
}

function listChoices({ choices }: Json): readonly Json[] {
  return Array.isArray(choices) ? choices : [];
}

export function call(fields: Json, name: string, args: unknown): Json {
  return { ...fields, function: { name, arguments: args } };
}
