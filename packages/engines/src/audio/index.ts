/** Decoding of audio files, and what else turns bytes into samples. */

import { createAudioDecoder } from "./audio-decoder.ts";
import type { AudioDecoderSettings } from "./audio-decoder.ts";

export { DECODED_RATE_HZ } from "./audio-events.ts";

/** Of the server: all engines share its processes. It starts none before the first file. */
let shared = createAudioDecoder();

/** Call it before the first file: processes that work go on until their file is decoded. */
export function configureDecoders(settings: AudioDecoderSettings): void {
  void shared.close();
  shared = createAudioDecoder(settings);
}

/**
 * The samples of an audio file of any format, which is given in pieces: mono, 16 kHz, 16 bits, a second in each piece but the last.
 *
 * @throws AiError as `AudioDecoder.decode`
 */
export async function* decodeAudio(
  pieces: readonly Uint8Array[],
  signal: AbortSignal,
): AsyncGenerator<Int16Array, void> {
  for await (const event of shared.decode(pieces, signal)) {
    if (event.type === "audio-samples") yield event.samples;
  }
}
