/**
 * Decodes one audio file, in this process and in slices: recognises it, chooses its decoder, checks the limits, mixes
 * to mono and resamples. It takes any bytes; a decoder that hangs or crashes is for another process to end.
 *
 * What is missing at the end of a file, or damaged within it, is left out, as ffmpeg does; a file of which nothing can
 * be decoded is refused.
 */

import { AiError, createWorkSlices } from "@openai-compat/core";
import { audioError, damagedAudioError, unsupportedAudioError } from "./audio-error.ts";
import { type AudioEvent, DECODED_RATE_HZ } from "./audio-events.ts";
import { createDecodeMeter } from "./decode-meter.ts";
import { refuseTooManyBytes } from "./decode-limits.ts";
import { mixToMono } from "./mono-mixer.ts";
import { openSource } from "./open-source.ts";
import { recogniseFormat } from "./recognise-format.ts";
import { type Resampler, createResampler } from "./resampler.ts";
import type { DecodeLimits } from "./decode-limits.ts";
import type { DecoderPackages } from "./decoder-packages.ts";
import type { PcmBlock } from "./pcm-source.ts";

/** As OpenAI lists them; mpga is mp3, and m4a is mp4. */
const SUPPORTED_FORMATS = "flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav, webm";

/** Of one event: a second. */
const SAMPLES_PER_EVENT = DECODED_RATE_HZ;

export interface DecodeOptions {
  readonly limits: DecodeLimits;
  /** The name or path of ffmpeg, which decodes what nothing else here can. */
  readonly ffmpegCommand: string;
  readonly packages: DecoderPackages;
  readonly signal: AbortSignal;
}

/** @throws AiError `invalid_value`, `unsupported_value`; the signal's reason */
export async function* decodeBytes(bytes: Uint8Array, options: DecodeOptions): AsyncGenerator<AudioEvent, void> {
  const { limits, signal, packages } = options;
  if (bytes.length === 0) throw audioError("The audio file is empty.");
  refuseTooManyBytes(bytes.length, limits);
  const format = recogniseFormat(bytes);
  if (format === undefined) {
    throw unsupportedAudioError(`The file is in none of the supported audio formats: ${SUPPORTED_FORMATS}.`);
  }
  const meter = createDecodeMeter(limits, bytes.length);
  const slices = createWorkSlices({ signal });
  const converter = new Converter();
  try {
    for await (const block of openSource(format, options)(bytes, { meter, slices, signal, packages })) {
      const size = { frames: block.channels[0]?.length ?? 0, rateHz: block.rateHz, channels: block.channels.length };
      const { rateHz, channels } = meter.checkFormat(size);
      meter.add(size);
      if (!converter.hasStarted) yield { type: "audio-start", format, rateHz, channels };
      yield* converter.push(block);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof AiError) throw thrown;
    // A decoder that gives up in the middle of a damaged file: what came before is kept.
    if (!converter.hasStarted) throw damagedAudioError(format, "no audio was found in it", thrown);
  }
  if (!converter.hasStarted) throw damagedAudioError(format, "no audio was found in it");
  yield* converter.end();
}

/** Makes events of blocks: mono, at one rate, in pieces of one length. */
class Converter {
  hasStarted = false;
  #resampler: Resampler | undefined;
  #rateHz = 0;
  readonly #piece = new Float32Array(SAMPLES_PER_EVENT);
  #pieceLength = 0;
  #sampleCount = 0;

  *push(block: PcmBlock): Generator<AudioEvent> {
    this.hasStarted = true;
    // One file can be several of different rates, one after the other.
    if (block.rateHz !== this.#rateHz) {
      yield* this.#flush();
      this.#rateHz = block.rateHz;
      this.#resampler = createResampler({ from: block.rateHz, to: DECODED_RATE_HZ });
    }
    if (this.#resampler !== undefined) yield* this.#cut(this.#resampler.push(mixToMono(block)));
  }

  *end(): Generator<AudioEvent> {
    yield* this.#flush();
    if (this.#pieceLength > 0) yield { type: "audio-samples", samples: this.#piece.slice(0, this.#pieceLength) };
    yield { type: "audio-end", durationSeconds: this.#sampleCount / DECODED_RATE_HZ };
  }

  *#flush(): Generator<AudioEvent> {
    if (this.#resampler !== undefined) yield* this.#cut(this.#resampler.flush());
    this.#resampler = undefined;
  }

  *#cut(samples: Float32Array): Generator<AudioEvent> {
    this.#sampleCount += samples.length;
    for (let at = 0; at < samples.length;) {
      const part = samples.subarray(at, at + SAMPLES_PER_EVENT - this.#pieceLength);
      this.#piece.set(part, this.#pieceLength);
      this.#pieceLength += part.length;
      at += part.length;
      if (this.#pieceLength < SAMPLES_PER_EVENT) continue;
      yield { type: "audio-samples", samples: this.#piece.slice() };
      this.#pieceLength = 0;
    }
  }
}
