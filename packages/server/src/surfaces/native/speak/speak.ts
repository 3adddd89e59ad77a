/** Speech in one piece, and as the events of a subscription. */

import { AiError } from "@openai-compat/core";
import type { SpeakAnswer, SpeakEvent } from "@openai-compat/spec";
import type { StartedSpeech } from "./start-speech.ts";

/** @throws AiError what the pieces throw; `unsupported_value` where they are more than `bytesMax` */
export async function foldSpeech(speech: StartedSpeech, bytesMax: number): Promise<SpeakAnswer> {
  const { modelId, contentType, pieces, usage } = speech;
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    kept.push(piece);
  }
  return { modelId, contentType, audio: Buffer.concat(kept).toString("base64"), usage: usage() };
}

function tooLarge(bytesMax: number): AiError {
  const message = `The audio has more bytes than one answer may have (${bytesMax}). Take it piece by piece, with 'speakStream', or in a smaller format.`;
  return new AiError("unsupported_value", message, { param: "format" });
}

/** Larger pieces are cut: each is an event. */
const PIECE_BYTES_MAX = 48 * 1024;

/** Not a generator: one that was never started would not close the speech. */
export function streamSpeech(id: string, speech: StartedSpeech): AsyncIterableIterator<SpeakEvent> {
  const { modelId, contentType, usage } = speech;
  const iterator = speech.pieces[Symbol.asyncIterator]();
  const waiting: SpeakEvent[] = [{ type: "start", id, modelId, contentType }];
  let isOver = false;
  const streamed: AsyncIterableIterator<SpeakEvent> = {
    async next() {
      for (;;) {
        const event = waiting.shift();
        if (event !== undefined) return { value: event };
        if (isOver) return { done: true, value: undefined };
        const { done, value } = await iterator.next();
        if (done !== true) waiting.push(...cut(value));
        else {
          isOver = true;
          waiting.push({ type: "end", usage: usage() });
        }
      }
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => streamed,
  };
  return streamed;
}

function cut(piece: Uint8Array): SpeakEvent[] {
  const events: SpeakEvent[] = [];
  for (let from = 0; from < piece.length; from += PIECE_BYTES_MAX) {
    const audio = Buffer.from(piece.subarray(from, from + PIECE_BYTES_MAX)).toString("base64");
    events.push({ type: "audio", audio });
  }
  return events;
}
