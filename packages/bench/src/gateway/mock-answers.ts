/** What the mock upstream answers: bodies and chunks of the shape and size that OpenAI sends, encoded once. */

const SHARED = {
  id: "chatcmpl-CkQ7pY2vN0s4XhZb1TfWm8RjLd6Ae",
  created: 1_795_000_000,
  model: "mock-2026-11-01",
  service_tier: "default",
  system_fingerprint: "fp_44709d6fcb",
};

const WORDS = " the river carried lanterns past orchards while somebody played violin under copper leaves".split(
  /(?= )/,
);

const PROMPT_TOKENS = 42;

function describeUsage(completionTokens: number) {
  return {
    prompt_tokens: PROMPT_TOKENS,
    completion_tokens: completionTokens,
    total_tokens: PROMPT_TOKENS + completionTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** A non-streaming answer of about 700 bytes. */
export const JSON_ANSWER = Buffer.from(
  JSON.stringify({
    ...SHARED,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: WORDS.join("").trim(), refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: describeUsage(WORDS.length),
  }),
);

function encodeChunk(delta: Readonly<Record<string, unknown>>, finishReason: string | null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return encodeEvent({ ...SHARED, object: "chat.completion.chunk", choices });
}

function encodeEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export const FIRST_EVENT = Buffer.from(encodeChunk({ role: "assistant", content: "", refusal: null }, null));

/** Events of one token each, about 250 bytes. */
export const TOKEN_EVENTS: readonly Buffer[] = WORDS.map((word) => Buffer.from(encodeChunk({ content: word }, null)));

/** The last events of a stream: its end, its usage when that was asked for, and `[DONE]`. */
export function encodeLastEvents(completionTokens: number, includesUsage: boolean): string {
  const usage = { ...SHARED, object: "chat.completion.chunk", choices: [], usage: describeUsage(completionTokens) };
  return `${encodeChunk({}, "stop")}${includesUsage ? encodeEvent(usage) : ""}data: [DONE]\n\n`;
}
