/**
 * `generate: false`: a response without an answer, from which the next one of its connection goes on. The prompt is
 * decoded as any other, and a local model is loaded and tokenises it; nothing is generated or charged.
 */

import type { AiService, AuthorisedCall } from "@openai-compat/core";
import type { DecodedCall } from "../route.ts";
import type { RunAnswer } from "../encode-stream.ts";
import { countingCalls } from "../input-tokens.ts";
import type { RunEvent } from "../response-run.ts";

const NO_TOKENS = { promptTokens: 0, completionTokens: 0, cachedTokens: 0, reasoningTokens: 0 };

/** Of a chat, and of an upstream's own response: a builder takes those of its kind. */
const NOTHING: readonly RunEvent[] = [
  { type: "chat-end", usage: NO_TOKENS },
  {
    type: "native-event",
    event: {
      type: "response.completed",
      response: {
        status: "completed",
        error: null,
        incomplete_details: null,
        output: [],
        usage: {
          input_tokens: 0,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: 0,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: 0,
        },
      },
    },
  },
];

/** @throws AiError as a count of input tokens */
export async function warmUp(
  { wire, chat, builder }: Pick<DecodedCall, "wire" | "chat" | "builder">,
  call: AuthorisedCall,
  service: Pick<AiService, "route">,
): Promise<RunAnswer> {
  if (chat !== null) {
    const counting = service.route(call, countingCalls, wire.model);
    if (counting.route === "local") await counting.run(chat);
  }
  const { model: modelId, temperature, top_p: topP } = builder.response;
  const sampling = { temperature: temperature ?? 1, topP: topP ?? 1 };
  return { modelId, createdAtMs: Date.now(), sampling, events: listNothing() };
}

async function* listNothing(): AsyncGenerator<RunEvent, void> {
  yield* NOTHING;
}
