/** Speech to OpenAI's answer: the bytes of the file as they come, or events with pieces of it. */

import type { SpeechEvent, SpeechRun } from "@openai-compat/core";
import type { SpeechAudioDeltaEvent, SpeechAudioDoneEvent } from "@openai-compat/spec";
import { encodeEventStream } from "../../../http/encode-event-stream.ts";
import { encodeSseEvent } from "../../../http/sse.ts";
import { SPEECH_STREAM } from "../protocol/event-streams.ts";
import type { StreamEnding } from "../protocol/event-streams.ts";

export async function* listSound({ events }: SpeechRun): AsyncGenerator<Uint8Array, void> {
  for await (const event of events) {
    if (event.type === "speech-audio") yield event.bytes;
  }
}

/** Encoded server-sent events, as `encodeEventStream`. */
export function encodeSpeechStream(run: SpeechRun, ending: StreamEnding): AsyncGenerator<string, void> {
  return encodeEventStream(run.events, encodeEvent, { ...ending, protocol: SPEECH_STREAM });
}

function encodeEvent(event: SpeechEvent): string {
  if (event.type === "speech-audio") {
    const audio = Buffer.from(event.bytes).toString("base64");
    return encodeSseEvent({ type: "speech.audio.delta", audio } satisfies SpeechAudioDeltaEvent);
  }
  const { inputTokens, outputTokens } = event;
  const usage = { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
  return encodeSseEvent({ type: "speech.audio.done", usage } satisfies SpeechAudioDoneEvent);
}
