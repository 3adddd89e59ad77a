/** Stands in for an upstream within this process: it takes any form or text and always gives the same answer. */

import { NO_USAGE } from "@openai-compat/core";
import type { UpstreamEngine } from "@openai-compat/core";

export function createTranscribingEngine(): UpstreamEngine {
  return {
    type: "upstream",
    limits: { contextTokens: 4096, completionTokensMax: 4096, concurrency: 4 },
    operations: new Set(["createTranscription", "createTranslation", "createSpeech"]),
    bridgesResponses: true,
    async *forward() {
      const bytes = new TextEncoder().encode('{"text":"The sea."}');
      const contentType = "application/json";
      yield { type: "upstream-whole", contentType, droppedParameters: [], bytes, usage: NO_USAGE, source: "measured" };
    },
    connectRealtime: null,
    upstreams: () => [],
    close: async () => {},
  };
}
