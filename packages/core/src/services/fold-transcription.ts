/** A stream of transcription events to the whole transcript. */

import { AiError } from "../ai-error.ts";
import type { TokenProbability } from "../engine/chat-engine.ts";
import type { TranscribedSegment, TranscriptionEvent, TranscriptionTokens } from "../engine/transcription-engine.ts";

export interface Transcript {
  /** As in `transcription-start`. */
  readonly language: string | null;
  readonly text: string;
  readonly segments: readonly TranscribedSegment[];
  /** Of all tokens of the text; empty where they were not asked for. */
  readonly logprobs: readonly TokenProbability[];
  readonly tokens: TranscriptionTokens;
}

/** @throws AiError what the events throw, and `engine_failed` when they end without an end */
export async function foldTranscription(events: AsyncIterable<TranscriptionEvent>): Promise<Transcript> {
  let language: string | null = null;
  let tokens: TranscriptionTokens | null = null;
  const texts: string[] = [];
  const segments: TranscribedSegment[] = [];
  const logprobs: TokenProbability[] = [];
  for await (const event of events) {
    switch (event.type) {
      case "transcription-start":
        language = event.language;
        break;
      case "text-delta":
        texts.push(event.text);
        if (event.logprobs !== null) logprobs.push(...event.logprobs);
        break;
      case "segment":
        segments.push(event.segment);
        break;
      case "transcription-progress":
        break;
      case "transcription-end":
        tokens = event.tokens;
        break;
    }
  }
  if (tokens === null) throw new AiError("engine_failed", "The transcription ended before its end. Please try again.");
  return { language, text: texts.join(""), segments, logprobs, tokens };
}
