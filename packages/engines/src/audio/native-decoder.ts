/**
 * The decoder of audio files as it runs in a process of its own: hostile files are decoded by code that may hang, and
 * by native code. Its settings, arguments and events are plain data.
 */

import { openByteReader } from "../host/byte-pipe.ts";
import { decodeBytes } from "./decode-bytes.ts";
import { DECODER_PACKAGES } from "./decoder-packages.ts";
import type { AudioEvent, DecodedEvent } from "./audio-events.ts";
import type { DecodeLimits } from "./decode-limits.ts";

export interface NativeDecoderSettings {
  readonly limits: DecodeLimits;
  /** The name or path of ffmpeg, which decodes what no package here can. */
  readonly ffmpegCommand: string;
}

export interface NativeDecoder {
  readonly answers: {
    /** Reads a file of so many bytes from the pipe, one file at a time. It replaces what was received before. */
    readonly receive: (file: { readonly bytes: number }, signal: AbortSignal) => Promise<void>;
  };
  readonly streams: {
    /** Decodes the file that was received, once. @throws AiError `invalid_value`, `unsupported_value`; the signal's reason */
    readonly decode: (argument: null, signal: AbortSignal) => AsyncIterable<DecodedEvent>;
  };
  dispose(): Promise<void>;
}

export async function openNativeDecoder(settings: NativeDecoderSettings): Promise<NativeDecoder> {
  const reader = openByteReader();
  let file: Uint8Array = new Uint8Array(0);
  const take = () => {
    const taken = file;
    file = new Uint8Array(0);
    return taken;
  };
  return {
    answers: {
      async receive({ bytes }) {
        file = await reader.read(bytes);
      },
    },
    streams: {
      decode: (_argument, signal) =>
        roundSamples(decodeBytes(take(), { ...settings, packages: DECODER_PACKAGES, signal })),
    },
    async dispose() {},
  };
}

const SCALE = 32_768;

export async function* roundSamples(events: AsyncIterable<AudioEvent>): AsyncGenerator<DecodedEvent, void> {
  for await (const event of events) {
    if (event.type !== "audio-samples") {
      yield event;
      continue;
    }
    const { samples } = event;
    const rounded = new Int16Array(samples.length);
    for (let index = 0; index < rounded.length; index += 1) {
      rounded[index] = Math.max(-SCALE, Math.min(SCALE - 1, Math.round((samples[index] ?? 0) * SCALE)));
    }
    yield { type: "audio-samples", samples: rounded };
  }
}
