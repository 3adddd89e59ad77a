/** Speech and plain text: bytes are passed on unchanged. */

import { NO_USAGE, type UpstreamEvent } from "@openai-compat/core";
import type { AnswerTranslator } from "./answer-translator.ts";

/** The usage of speech and transcripts is counted by the caller. */
const END = { type: "upstream-end", usage: NO_USAGE, source: "measured" } as const;

export function createBytesTranslator(contentType: string, droppedParameters: readonly string[]): AnswerTranslator {
  let hasStarted = false;

  function* start(): Generator<UpstreamEvent> {
    if (hasStarted) return;
    hasStarted = true;
    yield { type: "upstream-start", contentType, droppedParameters };
  }

  return {
    *push(chunks) {
      yield* start();
      for (const bytes of chunks) yield { type: "upstream-data", bytes, usage: NO_USAGE, source: "measured" };
    },
    *end() {
      yield* start();
      yield END;
    },
    isComplete: () => false,
    awaitsUsage: () => false,
    abandon: () => END,
  };
}
