/**
 * In a worker: our server before an engine that costs next to nothing, so that what is measured is the server. Responses are
 * kept in memory.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { ChatEngine, GenerationEvent } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { serveEngine } from "../local-server.ts";

const CONTEXT_TOKENS = 1_048_576;
const CHARACTERS_PER_TOKEN = 4;

const scripted = createScriptedEngine({ contextTokens: CONTEXT_TOKENS });

/** Reads prompts by their length alone, and says as many tokens as the request allows, one at a time. */
const engine: ChatEngine = {
  ...scripted,
  async prepare({ messages }) {
    const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
    return {
      tokens: Array.from({ length: Math.ceil(characters / CHARACTERS_PER_TOKEN) }, () => 0),
      contextTokens: CONTEXT_TOKENS,
      relaxed: [],
      refusal: null,
    };
  },
  async *generate({ tokensMax, prompt }): AsyncGenerator<GenerationEvent, void> {
    yield { type: "generation-start", cachedTokens: prompt.tokens.length - 1 };
    for (let completionTokens = 1; completionTokens <= tokensMax; completionTokens += 1) {
      await nextTurn();
      yield { type: "text-delta", text: " river", completionTokens };
    }
    yield { type: "generation-end", finishReason: "stop", completionTokens: tokensMax, reasoningTokens: 0 };
  },
};
serveEngine(engine);
