/** Transcription events to OpenAI's `transcript.text.…` events: a delta for each piece of the text, then all of it. */

import type { TokenProbability, TranscriptionEvent, TranscriptionRun, TranscriptionTokens } from "@openai-compat/core";
import type { TranscriptTextDeltaEvent, TranscriptTextDoneEvent } from "@openai-compat/spec";
import { encodeEventStream } from "../../../http/encode-event-stream.ts";
import { encodeSseEvent } from "../../../http/sse.ts";
import { COMPLETION_STREAM } from "../protocol/event-streams.ts";
import type { StreamEnding } from "../protocol/event-streams.ts";
import { encodeLogprobs } from "./encode-logprobs.ts";

/** Encoded server-sent events, as `encodeEventStream`. */
export function encodeTranscriptionStream(
  run: TranscriptionRun,
  { logprobs: hasLogprobs }: { readonly logprobs: boolean },
  ending: StreamEnding,
): AsyncGenerator<string, void> {
  const texts: string[] = [];
  const all: TokenProbability[] = [];
  const encode = (event: TranscriptionEvent): string | null => {
    switch (event.type) {
      case "text-delta": {
        texts.push(event.text);
        const { text, logprobs } = event;
        if (logprobs !== null) all.push(...logprobs);
        const shown = logprobs === null ? {} : { logprobs: encodeLogprobs(logprobs) };
        return encodeSseEvent({
          type: "transcript.text.delta",
          delta: text,
          ...shown,
        } satisfies TranscriptTextDeltaEvent);
      }
      case "transcription-end":
        return encodeSseEvent({
          type: "transcript.text.done",
          text: texts.join(""),
          ...(hasLogprobs && { logprobs: encodeLogprobs(all) }),
          usage: encodeTokens(event.tokens),
        } satisfies TranscriptTextDoneEvent);
      case "transcription-start":
      case "segment":
      case "transcription-progress":
        return null;
    }
  };
  return encodeEventStream(run.events, encode, { ...ending, protocol: COMPLETION_STREAM });
}

function encodeTokens({ audioTokens, promptTokens, outputTokens }: TranscriptionTokens) {
  const input = audioTokens + promptTokens;
  return {
    type: "tokens" as const,
    input_tokens: input,
    input_token_details: { text_tokens: promptTokens, audio_tokens: audioTokens },
    output_tokens: outputTokens,
    total_tokens: input + outputTokens,
  };
}
